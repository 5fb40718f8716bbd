/**
 * A sentence and its sound.
 *
 * @module
 */
import { wordEnd, wordStart } from "./heard_words.ts";
import type { Sentence } from "./sentences.ts";

/** How long a character takes to be said, about, as long as nobody knows. */
const CHARACTER_SECONDS = 0.065;
/** What is sent is heard a little later, in seconds: it waits at the other end. */
const DELAY_SECONDS = 0.06;

/** Holds the sound of a sentence from when it is made until all of it was played. */
export class Piece {
  readonly sentence: Sentence;
  readonly #rate: number;
  #sound = new Int16Array(0);
  #length = 0;
  #played = 0;
  /** Whether its sound was asked for. */
  requested = false;
  /** Whether somebody was told that it is being said. */
  begun = false;
  /** Whether no more sound will come. */
  complete = false;

  constructor(sentence: Sentence, { rate }: { rate: number }) {
    this.sentence = sentence;
    this.#rate = rate;
  }

  /** Whether all that will come was played. */
  get over(): boolean {
    return this.complete && this.#played >= this.#length;
  }

  /** Samples that were made. */
  get length(): number {
    return this.#length;
  }

  /** Samples that were taken. */
  get played(): number {
    return this.#played;
  }

  /** Adds sound. */
  push(samples: Int16Array): void {
    const length = this.#length + samples.length;
    if (length > this.#sound.length) {
      const larger = new Int16Array(Math.max(length, this.#sound.length * 2, Math.ceil(this.#expected())));
      larger.set(this.#sound.subarray(0, this.#length));
      this.#sound = larger;
    }
    this.#sound.set(samples, this.#length);
    this.#length = length;
  }

  /** The next `length` samples; null while they aren't there, and when it is over. The last ones end in silence. */
  take(length: number): Int16Array | null {
    const left = this.#length - this.#played;
    if (left <= 0 || (left < length && !this.complete)) return null;
    const frame = new Int16Array(length);
    const count = Math.min(left, length);
    frame.set(this.#sound.subarray(this.#played, this.#played + count));
    this.#played += count;
    return frame;
  }

  /** Up to which character of the whole text it was heard, `unheard` samples aside that are still on their way. */
  heardTo(unheard = 0): number {
    const { raw, from } = this.sentence;
    return from + wordEnd(raw, this.#share(this.#played - unheard - DELAY_SECONDS * this.#rate));
  }

  /** Its sound isn't needed any more, only how much it was. */
  forget(): void {
    this.#sound = new Int16Array(0);
  }

  /** Goes back to the beginning of the word that was being heard. */
  rewind(): void {
    const start = wordStart(this.sentence.raw, this.#share(this.#played - DELAY_SECONDS * this.#rate));
    this.#played = Math.min(this.#played, Math.floor(start * this.#expected()));
  }

  #share(samples: number): number {
    return samples <= 0 ? 0 : samples / this.#expected();
  }

  /** How many samples it will have. */
  #expected(): number {
    const guess = this.sentence.text.length * CHARACTER_SECONDS * this.#rate;
    return Math.max(1, this.complete ? this.#length : Math.max(this.#length, guess));
  }
}
