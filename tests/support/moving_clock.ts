/**
 * Time that a test moves.
 *
 * @module
 */
import type { Clock } from "../../src/kit/clock.ts";

/** A clock that stands still until it is moved. */
export class MovingClock implements Clock {
  readonly #settle: () => Promise<void>;
  #now = 1_800_000_000_000;
  #timers = new Set<{ at: number; task: () => void }>();

  /** `settle` lets what is due happen: all that waits for its turn, unless said otherwise. */
  constructor(options: { settle?: () => Promise<void> } = {}) {
    this.#settle = options.settle ?? settle;
  }

  /** How many timers wait. */
  get timers(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, task: () => void): Disposable {
    const timer = { at: this.#now + ms, task };
    this.#timers.add(timer);
    return { [Symbol.dispose]: () => void this.#timers.delete(timer) };
  }

  every(ms: number, task: () => void): Disposable {
    let timer: Disposable;
    const again = () => {
      timer = this.after(ms, again);
      task();
    };
    timer = this.after(ms, again);
    return { [Symbol.dispose]: () => timer[Symbol.dispose]() };
  }

  /** Lets `ms` pass, and what is due in it happen, in order. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    await this.#settle();
    for (;;) {
      let next: { at: number; task: () => void } | undefined;
      for (const timer of this.#timers) if (timer.at <= end && (!next || timer.at < next.at)) next = timer;
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.task();
      await this.#settle();
    }
    this.#now = end;
    await this.#settle();
  }
}

/** Lets everything happen that waits for nothing but its turn. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
}

/** The same, where nothing waits but promises: thousands of steps take no time. */
export async function settlePromises(): Promise<void> {
  for (let turn = 0; turn < 40; turn++) await undefined;
}
