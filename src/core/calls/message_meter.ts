/**
 * How many messages a client may send during a call.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { Clock } from "../../kit/clock.ts";

/** Messages that may come at once, such as a client's candidates, and each second in the long run. */
const BURST = 200;
const A_SECOND = 50;

/** Counts what comes; what may come grows back with time. */
export class MessageMeter {
  readonly #clock: Clock;
  #left = BURST;
  #at: number;

  constructor({ clock }: { clock: Clock }) {
    this.#clock = clock;
    this.#at = clock.now();
  }

  /** Takes one more. Throws `TooManyRequestsError`. */
  take(): void {
    const now = this.#clock.now();
    this.#left = Math.min(BURST, this.#left + Math.max(0, now - this.#at) * A_SECOND / 1000);
    this.#at = now;
    if (this.#left < 1) {
      throw new AppError("TooManyRequestsError", `Cannot take the message: more than ${A_SECOND} a second came`, {
        retry_after: 1,
      });
    }
    this.#left--;
  }
}
