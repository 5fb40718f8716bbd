/**
 * One answer of a Realtime server: its words, its calls of functions, its sound.
 *
 * @module
 */
import { type FinishReason, INVALID_ARGUMENTS } from "../../domain/message.ts";
import { SampleReader } from "../../kit/pcm.ts";
import { readMessage, toSafeText } from "../../kit/refusal.ts";
import type { ModelOutput, TokenCount } from "../../ports/model.ts";
import { type Failing, fromRubbish } from "./failure.ts";
import { SPOKEN_RATE } from "./rates.ts";
import type { RealtimeEvent } from "./realtime_line.ts";
import { RealtimeSound } from "./realtime_sound.ts";

/** How much a model may say ahead of whoever listens: far more than an answer has. */
const MAX_OUTPUTS = 100_000;

/** What became of an item of the answer. */
export interface FinishedItem {
  id: string;
  said: { text: string } | { call_id: string; name: string; args: string };
}

/** See the module. */
export class RealtimeResponse {
  readonly sound = new RealtimeSound({ rate: SPOKEN_RATE });
  readonly #failing: Failing;
  readonly #reader = new SampleReader();
  readonly #over = Promise.withResolvers<void>();
  #outputs: ModelOutput[] = [];
  #items: FinishedItem[] = [];
  #failure: Error | undefined;
  #tokens: TokenCount = { input_tokens: 0, output_tokens: 0 };
  #done = false;
  #wake = Promise.withResolvers<void>();

  constructor(failing: Failing) {
    this.#failing = failing;
  }

  /** Whether nothing follows. */
  get done(): boolean {
    return this.#done;
  }

  /** Why it came to nothing, if it did. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** What it cost, once nothing follows. */
  get tokens(): TokenCount {
    return this.#tokens;
  }

  /** Resolves when nothing follows. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  /** What it put into the conversation. */
  get items(): readonly FinishedItem[] {
    return this.#items;
  }

  /** Takes an event about it. */
  take(event: RealtimeEvent): void {
    const { type, delta } = event;
    if (type === "response.output_audio.delta") this.#hear(delta);
    else if (type === "response.output_audio_transcript.delta" || type === "response.output_text.delta") {
      this.#write(delta);
    } else if (type === "response.output_item.done") this.#finish(toRecord(event.item));
    else if (type === "response.done") this.#end(toRecord(event.response));
    this.#rouse();
  }

  /** It comes to nothing, or to no more than it has. */
  fail(error: Error): void {
    if (this.#done) return;
    this.#failure = error;
    this.#close();
  }

  /** What the model says, in order. Rejects when it came to nothing. */
  async *outputs(): AsyncGenerator<ModelOutput, void> {
    for (;;) {
      for (let next; (next = this.#outputs.shift());) yield next;
      if (this.#failure) throw this.#failure;
      if (this.#done) return;
      await this.#wake.promise;
    }
  }

  #hear(delta: unknown): void {
    let samples: Int16Array;
    try {
      samples = this.#reader.push(Uint8Array.fromBase64(String(delta)));
    } catch {
      return this.fail(fromRubbish(this.#failing, "sent sound that is no base64"));
    }
    if (!this.sound.push(samples)) this.fail(fromRubbish(this.#failing, "does not stop speaking"));
  }

  #write(delta: unknown): void {
    if (typeof delta !== "string" || delta === "") return;
    this.sound.write(delta);
    this.#say({ type: "text", text: delta });
  }

  #finish(item: Record<string, unknown>): void {
    const { id, type, call_id, name } = item;
    if (typeof id !== "string") return;
    if (type === "message") this.#items.push({ id, said: { text: this.sound.text } });
    if (type !== "function_call" || typeof call_id !== "string" || typeof name !== "string") return;
    const args = typeof item.arguments === "string" ? item.arguments : "";
    this.#items.push({ id, said: { call_id, name, args } });
    this.#say({ type: "tool_call", call: { tool_call_id: call_id, tool: name, arguments: toArguments(args) } });
  }

  #end(response: Record<string, unknown>): void {
    if (this.#done) return;
    const { status, usage } = response;
    const details = toRecord(response.status_details);
    const tokens = toTokens(toRecord(usage));
    if (tokens) this.#say({ type: "usage", tokens: this.#tokens = tokens, cost: null });
    if (status === "failed") {
      const words = toSafeText(readMessage(details.error), this.#failing.api_key);
      return this.fail(fromRubbish(this.#failing, `could not answer${words === "" ? "" : `: ${words}`}`));
    }
    this.#say({ type: "finish", reason: toReason(details.reason, this.#items) });
    this.#close();
  }

  #say(output: ModelOutput): void {
    if (this.#outputs.length < MAX_OUTPUTS) this.#outputs.push(output);
    else this.fail(fromRubbish(this.#failing, "does not stop writing"));
  }

  #close(): void {
    this.#done = true;
    this.sound.end();
    this.#over.resolve();
    this.#rouse();
  }

  #rouse(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }
}

/** `value` as a record; empty when it is none. */
export function toRecord(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? value as Record<string, unknown> : {};
}

function toArguments(text: string): Record<string, unknown> {
  if (text.trim() === "") return {};
  try {
    const value = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Told below, as the text it is.
  }
  return { [INVALID_ARGUMENTS]: text };
}

function toReason(reason: unknown, items: readonly FinishedItem[]): FinishReason {
  if (reason === "max_output_tokens") return "length";
  if (reason === "content_filter") return "content_filter";
  return items.some(({ said }) => "call_id" in said) ? "tool_calls" : "stop";
}

function toTokens({ input_tokens, output_tokens, input_token_details }: Record<string, unknown>): TokenCount | null {
  if (typeof input_tokens !== "number" || typeof output_tokens !== "number") return null;
  const cached = toRecord(input_token_details).cached_tokens;
  return { input_tokens, output_tokens, ...typeof cached === "number" && { cached_input_tokens: cached } };
}
