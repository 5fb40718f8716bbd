/**
 * How many messages clients may send during a call.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { RtcMessage } from "../../domain/rtc_event.ts";
import type { Clock } from "../../kit/clock.ts";

/** Messages that may come at once, such as a client's candidates, and each second in the long run. */
const BURST = 200;
const A_SECOND = 50;
/** How many may be under way, such as offers. */
const MAX_UNDER_WAY = 32;
/** Changes of the history: a client makes all of them at once, and how many is bounded where they are kept (see `Terms`). */
const FREE: readonly unknown[] = ["messages", "forget"] satisfies RtcMessage["type"][];

/** Counts what comes; what may come grows back with time. */
export class MessageMeter {
  readonly #clock: Clock;
  #left = BURST;
  #at: number;
  #under_way = 0;

  constructor({ clock }: { clock: Clock }) {
    this.#clock = clock;
    this.#at = clock.now();
  }

  /** Does what a message of `type` asks for. Rejects with `TooManyRequestsError` if too many came, or are not done yet. */
  async admit(type: unknown, work: () => Promise<void> | void): Promise<void> {
    if (this.#under_way >= MAX_UNDER_WAY) {
      const message = `Cannot take the message: ${MAX_UNDER_WAY} before it are not done yet`;
      throw new AppError("TooManyRequestsError", message);
    }
    if (!FREE.includes(type)) this.#take();
    const done = work();
    // What is done at once is never under way, however many come in one go.
    if (!done) return;
    this.#under_way++;
    try {
      await done;
    } finally {
      this.#under_way--;
    }
  }

  #take(): void {
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
