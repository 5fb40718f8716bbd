/**
 * Times in which a server waits for us, and not we for it.
 *
 * @module
 */
import type { Clock } from "../../kit/clock.ts";

/** Knows when the server last waited for a person or a model, and for how long in all. */
export class Silence {
  readonly #clock: Clock;
  #open = 0;
  #since = 0;
  #spent = 0;
  #ended = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether it waits now. */
  get open(): boolean {
    return this.#open > 0;
  }

  /** Milliseconds it waited in all. */
  get spent(): number {
    return this.#spent;
  }

  /** When it last stopped waiting. */
  get ended(): number {
    return this.#ended;
  }

  /** Doesn't count the time `work` takes. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    if (this.#open++ === 0) this.#since = this.#clock.now();
    try {
      return await work();
    } finally {
      if (--this.#open === 0) {
        this.#ended = this.#clock.now();
        this.#spent += this.#ended - this.#since;
      }
    }
  }
}
