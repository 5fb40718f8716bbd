/**
 * The time limits of one try at a model call.
 *
 * @module
 */
import type { Clock } from "../../kit/clock.ts";

/** Ends a wait that is too long. One timer serves many waits, since there is one wait for every chunk of an answer. */
export class Watchdog implements Disposable {
  readonly #clock: Clock;
  readonly #onExpire: (what: string, ms: number) => void;
  #timer: Disposable | null = null;
  #fires = 0;
  #deadline = Infinity;
  #what = "";
  #limit = 0;

  constructor({ clock, onExpire }: { clock: Clock; onExpire: (what: string, ms: number) => void }) {
    this.#clock = clock;
    this.#onExpire = onExpire;
  }

  /** A wait for `what` begins, and may take `ms`. */
  start(what: string, ms: number): void {
    this.#what = what;
    this.#limit = ms;
    this.#deadline = this.#clock.now() + ms;
    // A timer that fires earlier looks again then.
    if (this.#timer === null || this.#fires > this.#deadline) this.#set(ms);
  }

  /** The wait is over. */
  stop(): void {
    this.#deadline = Infinity;
  }

  [Symbol.dispose](): void {
    this.#deadline = Infinity;
    this.#timer?.[Symbol.dispose]();
    this.#timer = null;
  }

  #set(ms: number): void {
    this.#timer?.[Symbol.dispose]();
    this.#fires = this.#clock.now() + ms;
    this.#timer = this.#clock.after(ms, () => {
      this.#timer = null;
      if (this.#deadline === Infinity) return;
      const rest = this.#deadline - this.#clock.now();
      if (rest > 0) this.#set(rest);
      else this.#onExpire(this.#what, this.#limit);
    });
  }
}
