/**
 * The sound of a text that is still being said, taken sentence by sentence.
 *
 * @module
 */
import { abortable } from "../../kit/abortable.ts";

/** How long a letter takes to be said, about, as long as nobody knows. */
const LETTER_SECONDS = 0.08;
/** The longest sound of one text, in seconds. */
const MAX_SECONDS = 300;

/** Holds sound until it is taken. What belongs to which words is told by their share of all. */
export class RealtimeSound {
  readonly #rate: number;
  #text = "";
  #letters = "";
  #parts: Int16Array[] = [];
  /** Samples that came, and that were taken. */
  #length = 0;
  #taken = 0;
  /** Up to which letter it was asked for. */
  #cursor = 0;
  #done = false;
  #wake = Promise.withResolvers<void>();

  constructor({ rate }: { rate: number }) {
    this.#rate = rate;
  }

  /** What is being said. */
  get text(): string {
    return this.#text;
  }

  /** How long it sounds, as far as it came, in milliseconds. */
  get ms(): number {
    return this.#length / this.#rate * 1000;
  }

  /** More is written of what is being said. */
  write(text: string): void {
    this.#text += text;
    this.#letters += lettersOf(text);
  }

  /** More of its sound. False when it is too much. */
  push(samples: Int16Array): boolean {
    if (this.#length > MAX_SECONDS * this.#rate) return false;
    this.#parts.push(samples);
    this.#length += samples.length;
    this.#rouse();
    return true;
  }

  /** No more will come. */
  end(): void {
    this.#done = true;
    this.#rouse();
  }

  /** Whether `sentence` is the next of what is being said; then its sound can be taken. */
  next(sentence: string): number | undefined {
    const letters = lettersOf(sentence);
    const at = letters === "" ? -1 : this.#letters.indexOf(letters, this.#cursor);
    if (at === -1) return undefined;
    return this.#cursor = at + letters.length;
  }

  /** The sound up to the letter `to`, as it comes. */
  async *take(to: number, { signal }: { signal: AbortSignal }): AsyncGenerator<Int16Array, void> {
    for (;;) {
      signal.throwIfAborted();
      const goal = this.#goal(to);
      for (let part; this.#taken < goal && (part = this.#parts.shift());) {
        const fitting = part.subarray(0, goal - this.#taken);
        if (fitting.length < part.length) this.#parts.unshift(part.subarray(fitting.length));
        this.#taken += fitting.length;
        yield fitting;
      }
      if (this.#taken >= this.#goal(to)) return;
      if (!this.#done) await abortable(this.#wake.promise, signal);
    }
  }

  /** Where the sound of the letter `to` ends, as far as is known. */
  #goal(to: number): number {
    const all = this.#letters.length;
    if (!this.#done) return to >= all ? Infinity : Math.round(to * LETTER_SECONDS * this.#rate);
    return to >= all ? this.#length : Math.round(this.#length * to / all);
  }

  #rouse(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }
}

/** What of a text is heard. */
function lettersOf(text: string): string {
  return text.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, "");
}
