/**
 * When a packet was sent, in the time of a recording.
 *
 * @module
 */

/** Options for {@linkcode Timeline}. */
export interface TimelineOptions {
  /** Ticks of the stream's clock in a millisecond. */
  ticks: number;
  /** How much a packet may come later or sooner than its stamp says before the stamps count as jumped. */
  jump_ms: number;
}

/** How far the sender's clock may be off before its packets are moved. */
const DRIFT_MS = 60;
/** For how long the quickest packet is remembered: twice this at most. */
const WINDOW_MS = 10_000;

/**
 * Puts the stamps of one stream on the time at which its packets come. What comes late on the way keeps its place, as
 * the quickest packets say how the two clocks go together; a clock that goes wrong is followed.
 */
export class Timeline {
  readonly #options: TimelineOptions;
  #newest = { stamp: 0, ticks: 0 };
  #offset: number | undefined;
  #quickest = { ms: Infinity, older: Infinity, since: 0 };

  constructor(options: TimelineOptions) {
    this.#options = options;
  }

  /** Notes that a packet with `stamp` came at `now`. */
  observe(stamp: number, now: number): void {
    const ticks = this.#ticksOf(stamp);
    this.#newest = { stamp, ticks };
    const ahead = now - ticks / this.#options.ticks;
    if (this.#offset === undefined || Math.abs(ahead - this.#offset) > this.#options.jump_ms) {
      this.#offset = ahead;
      this.#quickest = { ms: ahead, older: Infinity, since: now };
      return;
    }
    const { ms, older, since } = this.#quickest;
    this.#quickest = now - since > WINDOW_MS
      ? { ms: ahead, older: ms, since: now }
      : { ms: Math.min(ms, ahead), older, since };
    const quickest = Math.min(this.#quickest.ms, this.#quickest.older);
    if (Math.abs(quickest - this.#offset) > DRIFT_MS) this.#offset = quickest;
  }

  /** The time of what has `stamp`, which was observed. */
  timeOf(stamp: number): number {
    return this.#ticksOf(stamp) / this.#options.ticks + (this.#offset ?? 0);
  }

  /** Stamps go round after 2³² ticks. */
  #ticksOf(stamp: number): number {
    return this.#newest.ticks + ((stamp - this.#newest.stamp) | 0);
  }
}
