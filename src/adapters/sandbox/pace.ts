/**
 * As many in a second as are wanted, and a reserve for who comes seldom.
 *
 * @module
 */

/** A bucket that fills with time. */
export class Pace {
  readonly #perSecond: number;
  readonly #most: number;
  #left: number;
  #at: number;

  constructor({ per_second, reserve, now }: { per_second: number; reserve: number; now: number }) {
    this.#perSecond = per_second;
    this.#most = reserve;
    this.#left = reserve;
    this.#at = now;
  }

  /** Takes one. The milliseconds after which it is due: 0 while there are some left. */
  take(now: number): number {
    this.#left = Math.min(this.#most, this.#left + (now - this.#at) * this.#perSecond / 1000) - 1;
    this.#at = now;
    return this.#left >= 0 ? 0 : -this.#left * 1000 / this.#perSecond;
  }
}
