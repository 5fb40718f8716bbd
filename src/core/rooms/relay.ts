/**
 * How much one member may tell another directly: what two browsers need to find each other, and no more.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { Clock } from "../../kit/clock.ts";

/** So many signals in so much time. */
const MAX_SIGNALS = 120;
const WINDOW_MS = 10_000;

/** Counts the signals of one member. */
export class Relay {
  readonly #clock: Clock;
  #since = -Infinity;
  #count = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts one. Throws `TooManyRequestsError`. */
  take(): void {
    const now = this.#clock.now();
    if (now - this.#since >= WINDOW_MS) {
      this.#since = now;
      this.#count = 0;
    }
    if (this.#count >= MAX_SIGNALS) {
      const retry_after = Math.ceil((this.#since + WINDOW_MS - now) / 1000);
      const message = `Cannot pass the signal on: at most ${MAX_SIGNALS} in ${WINDOW_MS / 1000} s are allowed`;
      throw new AppError("TooManyRequestsError", message, { retry_after });
    }
    this.#count++;
  }
}
