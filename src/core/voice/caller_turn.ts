/**
 * What a caller says until the agent is asked: speech with pauses, and typed text.
 *
 * @module
 */
import { createId } from "../../kit/id.ts";
import type { Transcript } from "../../ports/speech_to_text.ts";
import type { Transcription } from "./transcribing.ts";

/** Opens a transcription, which tells `onPartial` what it understands. */
export type Transcribe = (onPartial: () => void) => Transcription;

/** One turn of the caller's. */
export class CallerTurn implements Disposable {
  readonly id: string = createId("turn");
  readonly #transcribe: Transcribe;
  readonly #onPartial: (text: string) => void;
  #parts: (Transcription | string)[] = [];
  #open: Transcription | undefined;
  #language: string | undefined;

  constructor({ transcribe, onPartial }: { transcribe: Transcribe; onPartial: (text: string) => void }) {
    this.#transcribe = transcribe;
    this.#onPartial = onPartial;
  }

  /** What was understood so far. */
  get partial(): string {
    return joined(this.#parts.map((part) => typeof part === "string" ? part : part.partial));
  }

  /** The language that was heard. */
  get language(): string | undefined {
    return this.#language;
  }

  /** Whether speech is being written down. */
  get listening(): boolean {
    return this.#open !== undefined;
  }

  /** Speech begins, or goes on. */
  begin(frames: readonly Int16Array[]): void {
    if (this.#open === undefined) {
      this.#open = this.#transcribe(() => this.#onPartial(this.partial));
      this.#parts.push(this.#open);
    }
    for (const frame of frames) this.#open.push(frame);
  }

  /** More of the speech. */
  push(frame: Int16Array): void {
    this.#open?.push(frame);
  }

  /** Adds typed text. */
  type(text: string): void {
    this.#parts.push(text);
  }

  /** Speech ends, or pauses. Resolves with all that was said. Rejects when nothing could be written down. */
  async end(): Promise<string> {
    this.#open?.end();
    this.#open = undefined;
    const parts = this.#parts;
    const results = await Promise.allSettled(parts.map((part) => typeof part === "string" ? part : part.result));
    const texts = results.flatMap((result) => result.status === "fulfilled" ? [this.#textOf(result.value)] : []);
    const failed = results.find((result) => result.status === "rejected");
    if (failed && joined(texts) === "") throw failed.reason;
    return joined(texts);
  }

  [Symbol.dispose](): void {
    for (const part of this.#parts) if (typeof part !== "string") part[Symbol.dispose]();
    this.#open = undefined;
  }

  #textOf(part: string | Transcript): string {
    if (typeof part === "string") return part;
    this.#language = part.language ?? this.#language;
    return part.text;
  }
}

function joined(texts: readonly string[]): string {
  return texts.map((text) => text.trim()).filter((text) => text !== "").join(" ");
}
