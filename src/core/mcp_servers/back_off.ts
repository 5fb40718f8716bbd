/**
 * How long to wait before a server is tried again, and when to stop trying for a while.
 *
 * @module
 */

/** The pause after the first failure. */
const FIRST_MS = 500;

/** The pause after failure number `attempt`, from 1: twice as long each time, and never twice the same. */
export function pauseAfter(attempt: number, most_ms: number): number {
  const whole = Math.min(most_ms, FIRST_MS * 2 ** Math.min(attempt - 1, 30));
  return Math.ceil(whole * (0.5 + Math.random() / 2));
}

/** Options for {@linkcode Circuit}. */
export interface CircuitOptions {
  /** This many failures within the window open it. */
  failures: number;
  window_ms: number;
}

/** Counts failures, and says when there were too many. */
export class Circuit {
  readonly #options: () => CircuitOptions;
  #failures: number[] = [];

  constructor(options: () => CircuitOptions) {
    this.#options = options;
  }

  /** Notes a failure. True when there were too many of them. */
  fail(now: number): boolean {
    const { failures, window_ms } = this.#options();
    this.#failures = [...this.#failures.filter((at) => now - at < window_ms), now].slice(-failures);
    return this.#failures.length >= failures;
  }

  /** Forgets the failures. */
  succeed(): void {
    if (this.#failures.length > 0) this.#failures = [];
  }
}
