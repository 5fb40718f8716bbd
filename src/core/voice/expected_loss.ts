/**
 * How much loss sound is made redundant for, by what the other end reports of what it missed.
 *
 * @module
 */
import type { OpusEncoder } from "../../ports/audio_codec.ts";

/** Networks change sooner than they are reported on; and beyond the most, redundancy costs more than it mends. */
const LEAST = 5;
const MOST = 30;
/** How much of the way to a report is gone at once: loss does harm by itself, what is too much only costs bits. */
const RISE = 0.5;
const FALL = 0.1;

/** Tells an encoder, in percent. */
export class ExpectedLoss {
  readonly #encoder: Pick<OpusEncoder, "expectLoss">;
  #smooth: number | undefined;
  #told: number | null = null;

  constructor(encoder: Pick<OpusEncoder, "expectLoss">) {
    this.#encoder = encoder;
  }

  /** What the encoder was told; null: nothing yet. */
  get percent(): number | null {
    return this.#told;
  }

  /** The other end missed `percent` of late. Told again and again, each second or so. */
  report(percent: number): void {
    const wanted = Math.min(MOST, Math.max(LEAST, percent));
    const before = this.#smooth ?? wanted;
    this.#smooth = before + (wanted - before) * (wanted > before ? RISE : FALL);
    const rounded = Math.round(this.#smooth);
    if (rounded === this.#told) return;
    this.#told = rounded;
    this.#encoder.expectLoss(rounded);
  }
}
