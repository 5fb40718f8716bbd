/**
 * Sound in frames of one length.
 *
 * @module
 */
import { FRAME_MS } from "../../ports/audio_codec.ts";

/** How many samples a frame has at `rate`. */
export function frameLength(rate: number): number {
  return rate / 1000 * FRAME_MS;
}

/** Cuts what comes in pieces of any length into frames. */
export class Framing {
  readonly #length: number;
  #rest = new Int16Array(0);

  constructor(length: number) {
    this.#length = length;
  }

  /** The frames that `samples` complete. */
  push(samples: Int16Array): Int16Array[] {
    const frames: Int16Array[] = [];
    const all = this.#rest.length === 0 ? samples : join(this.#rest, samples);
    let at = 0;
    for (; at + this.#length <= all.length; at += this.#length) frames.push(all.slice(at, at + this.#length));
    this.#rest = all.slice(at);
    return frames;
  }
}

function join(before: Int16Array, after: Int16Array): Int16Array {
  const both = new Int16Array(before.length + after.length);
  both.set(before);
  both.set(after, before.length);
  return both;
}
