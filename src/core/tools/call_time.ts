/**
 * The time that one call may take.
 *
 * @module
 */
import type { Clock } from "../../kit/clock.ts";

/** Limits of a call, in milliseconds. */
export interface CallLimits {
  /** How long it may be silent. */
  timeout_ms: number;
  /** How long it may take in all, however often it tells how far it is. */
  max_timeout_ms: number;
}

/** Watches the time of a call. It stands still while a person is asked. */
export class CallTime implements Disposable {
  readonly #clock: Clock;
  readonly #limits: CallLimits;
  #onOver: ((ms: number) => void) | undefined;
  #began: number;
  #heard: number;
  #stopped = 0;
  #stoppedAt = 0;
  #timer: Disposable | undefined;

  /** `onOver` is told once, with the limit that was met. */
  constructor(limits: CallLimits, { clock, onOver }: { clock: Clock; onOver: (ms: number) => void }) {
    this.#clock = clock;
    this.#limits = limits;
    this.#onOver = onOver;
    this.#began = this.#heard = clock.now();
    this.#arm();
  }

  /** The call told how far it is. */
  progress(): void {
    this.#heard = this.#clock.now();
  }

  /** Lets time stand still until disposed. */
  pause(): Disposable {
    if (this.#stopped++ === 0) {
      this.#stoppedAt = this.#clock.now();
      this.#timer?.[Symbol.dispose]();
    }
    let paused = true;
    return {
      [Symbol.dispose]: () => {
        if (paused && --this.#stopped === 0) this.#resume();
        paused = false;
      },
    };
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    // Whoever pauses it still must not start it again, nor keep what the call held.
    this.#stopped = Infinity;
    this.#onOver = undefined;
  }

  #resume(): void {
    const missed = this.#clock.now() - this.#stoppedAt;
    this.#began += missed;
    this.#heard += missed;
    this.#arm();
  }

  #arm(): void {
    const now = this.#clock.now();
    const { timeout_ms, max_timeout_ms } = this.#limits;
    const silent = this.#heard + timeout_ms - now;
    const left = Math.min(silent, this.#began + max_timeout_ms - now);
    // The timer of a call that goes on telling is set anew only when it is due.
    if (left > 0) this.#timer = this.#clock.after(left, () => this.#arm());
    else this.#onOver?.(silent <= 0 ? timeout_ms : max_timeout_ms);
  }
}
