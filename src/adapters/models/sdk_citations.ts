/**
 * Where a text has it from, as the AI SDK's specification tells it.
 *
 * @module
 */
import type { LanguageModelV4StreamPart } from "@ai-sdk/provider";
import type { ModelOutput } from "../../ports/model.ts";
import { Citations, type SaidSource } from "./citations.ts";

type Source = Extract<LanguageModelV4StreamPart, { type: "source" }>;
type TextEnd = Extract<LanguageModelV4StreamPart, { type: "text-end" }>;

/** The most sources that are kept until the end of an answer. */
const MAX_SOURCES = 128;

function toSaid(source: Source): SaidSource {
  return { url: source.sourceType === "url" ? source.url : undefined, title: source.title };
}

/** Follows the text of one answer, and says which source belongs to which part of it. */
export class SdkCitations {
  readonly #citations = new Citations();
  /** Where each open block of text begins. */
  readonly #begins = new Map<string, number>();
  readonly #sources: SaidSource[] = [];
  #length = 0;

  /** A block of text begins. */
  begin(id: string): void {
    this.#begins.set(id, this.#length);
  }

  /** Text passes by. */
  pass(text: string): void {
    this.#length += text.length;
  }

  /** A block of text ends: what it cites. What has no place in the block supports all of it. */
  end({ id, citations = [] }: TextEnd): ModelOutput[] {
    const begin = this.#begins.get(id) ?? 0;
    this.#begins.delete(id);
    return citations.flatMap(({ source, citedText, startIndex, endIndex }) =>
      this.#cite({
        ...toSaid(source),
        content: citedText,
        start_index: startIndex === undefined ? begin : begin + startIndex,
        end_index: endIndex === undefined ? this.#length : begin + endIndex,
      })
    );
  }

  /** A source of the answer. It waits for the end, because a block may still say its place. */
  note(source: Source): void {
    if (this.#sources.length < MAX_SOURCES) this.#sources.push(toSaid(source));
  }

  /** The sources that no block of text has cited. */
  rest(): ModelOutput[] {
    return this.#sources.flatMap((source) => this.#cite(source));
  }

  #cite(said: SaidSource): ModelOutput[] {
    const citation = this.#citations.accept(said);
    return citation ? [{ type: "citation", citation }] : [];
  }
}
