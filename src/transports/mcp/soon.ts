/**
 * A short wait, of many at once: one timer for all of them, as a timer each costs more than most calls take.
 *
 * @module
 */
import type { Clock } from "../../kit/clock.ts";

/** Calls back after half of `ms` or more, and no later than about `ms`. */
export class Soon {
  #clock: Clock;
  #ms: number;
  #fresh: (() => void)[] = [];
  #due: (() => void)[] = [];
  #isTicking = false;

  constructor(clock: Clock, ms: number) {
    this.#clock = clock;
    this.#ms = ms;
  }

  /** Calls `task` soon. It can't be taken back: it must do no harm when it isn't wanted any more. */
  wait(task: () => void): void {
    this.#fresh.push(task);
    if (!this.#isTicking) this.#tick();
  }

  #tick(): void {
    const due = this.#due;
    this.#due = this.#fresh;
    this.#fresh = [];
    this.#isTicking = this.#due.length > 0;
    if (this.#isTicking) this.#clock.after(this.#ms / 2, () => this.#tick());
    for (const task of due) task();
  }
}
