/**
 * The time that a server may take.
 *
 * @module
 */
import type { Clock } from "../../kit/clock.ts";
import { RequestTimeout } from "./request_errors.ts";
import type { Silence } from "./silence.ts";

/** Limits of a request, in ms. */
export interface TimeLimits {
  /** How long the server may be silent. */
  timeout_ms: number;
  /** How long it may take in all. */
  max_timeout_ms: number;
}

/** What {@linkcode RequestTime} needs. */
export interface RequestTimeDeps {
  clock: Clock;
  /** Times during which the server waits for us, which don't count. */
  silence: Silence;
  /** Told once, when a limit is met. */
  onOver(error: RequestTimeout): void;
}

/** Watches the time of one request, or of a task, until disposed. */
export class RequestTime implements Disposable {
  readonly #limits: TimeLimits;
  readonly #deps: RequestTimeDeps;
  readonly #started: number;
  readonly #before: number;
  #heard: number;
  #timer: Disposable;

  constructor(limits: TimeLimits, deps: RequestTimeDeps) {
    this.#limits = limits;
    this.#deps = deps;
    this.#started = this.#heard = deps.clock.now();
    this.#before = deps.silence.spent;
    this.#timer = deps.clock.after(Math.min(limits.timeout_ms, limits.max_timeout_ms), () => this.#check());
  }

  /** The server gave a sign of life. */
  hear(): void {
    this.#heard = this.#deps.clock.now();
  }

  [Symbol.dispose](): void {
    this.#timer[Symbol.dispose]();
  }

  #check(): void {
    const { timeout_ms, max_timeout_ms } = this.#limits;
    const { clock, silence, onOver } = this.#deps;
    const now = clock.now();
    const silent = now - Math.max(this.#heard, silence.ended);
    const total = now - this.#started - (silence.spent - this.#before);
    if (silence.open) this.#wait(timeout_ms);
    else if (silent >= timeout_ms) onOver(new RequestTimeout(`it was silent for ${timeout_ms / 1000} s`));
    else if (total >= max_timeout_ms) onOver(new RequestTimeout(`it took longer than ${max_timeout_ms / 1000} s`));
    else this.#wait(Math.min(timeout_ms - silent, max_timeout_ms - total));
  }

  #wait(ms: number): void {
    this.#timer = this.#deps.clock.after(ms, () => this.#check());
  }
}
