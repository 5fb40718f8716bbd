/**
 * How long somebody is waited for, over several waits.
 *
 * @module
 */
import type { Clock } from "./clock.ts";

/** Options for {@linkcode Patience}. */
export interface PatienceOptions {
  clock: Clock;
  /** Of all waits together. Time in which nobody waits doesn't count. */
  ms: number;
  /** Ends every wait; its reason is thrown. */
  signal: AbortSignal;
  /** What is thrown when it is used up. */
  late: () => Error;
}

/** Waits until its time is used up. */
export class Patience {
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #late: () => Error;
  #left: number;

  constructor({ clock, ms, signal, late }: PatienceOptions) {
    this.#clock = clock;
    this.#signal = signal;
    this.#late = late;
    this.#left = ms;
  }

  /** Waits for `work`, which goes on when it isn't waited for any more; how it ends is then nobody's concern. */
  wait<T>(work: Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const began = this.#clock.now();
    const timer = this.#clock.after(Math.max(0, this.#left), () => reject(this.#late()));
    const stop = () => reject(this.#signal.reason);
    if (this.#signal.aborted) stop();
    this.#signal.addEventListener("abort", stop, { once: true });
    work.then(resolve, reject);
    return promise.finally(() => {
      timer[Symbol.dispose]();
      this.#signal.removeEventListener("abort", stop);
      this.#left -= this.#clock.now() - began;
    });
  }
}
