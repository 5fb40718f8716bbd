/**
 * Whether one more call can be taken without harm to the others.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { Clock } from "../../kit/clock.ts";
import type { Slots } from "../identity/slots.ts";

/** How often it is looked how late the server is. */
const LOOK_MS = 100;
/** How much the last look counts, and at most as how many times what is allowed: one hiccup is no overload. */
const WEIGHT = 0.2;
const MOST = 2;
/** Seconds after which a busy server is worth another try. */
const RETRY_AFTER = 5;

/** What {@linkcode Admission} needs. */
export interface AdmissionDeps {
  slots: Pick<Slots, "acquire">;
  clock: Clock;
  /** How late the event loop may be, or media be read. */
  max_lag_ms: number;
  /** How long media waits until it is read, in milliseconds. */
  lateness(): number;
}

/** Counts calls, and while there are some measures how late the server is: its event loop, and the media it reads. */
export class Admission {
  readonly #deps: AdmissionDeps;
  #calls = 0;
  #lag_ms = 0;
  #timer: Disposable | undefined;

  constructor(deps: AdmissionDeps) {
    this.#deps = deps;
  }

  /** How late the server is, on average. */
  get lag_ms(): number {
    return this.#lag_ms;
  }

  /**
   * Takes a place until disposed. Throws `TooManyRequestsError` when `subject` has all its own, `UnavailableError` when
   * none is left, or when sound would already come late.
   */
  admit(subject: string): Disposable {
    const { slots, max_lag_ms } = this.#deps;
    if (this.#lag_ms > max_lag_ms) {
      const lag = Math.round(this.#lag_ms);
      throw new AppError(
        "UnavailableError",
        `Cannot take another call: the server is ${lag} ms late, at most ${max_lag_ms} ms are allowed`,
        { retry_after: RETRY_AFTER, details: { lag_ms: lag, calls: this.#calls } },
      );
    }
    const slot = slots.acquire("calls", subject);
    this.#begin();
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (!held) return;
        held = false;
        slot[Symbol.dispose]();
        this.#end();
      },
    };
  }

  #begin(): void {
    if (++this.#calls > 1) return;
    const { clock, max_lag_ms, lateness } = this.#deps;
    let due = clock.now() + LOOK_MS;
    this.#timer = clock.every(LOOK_MS, () => {
      const now = clock.now();
      const late = Math.min(Math.max(0, now - due, lateness()), MOST * max_lag_ms);
      this.#lag_ms += (late - this.#lag_ms) * WEIGHT;
      due = now + LOOK_MS;
    });
  }

  #end(): void {
    if (--this.#calls > 0) return;
    this.#timer?.[Symbol.dispose]();
    this.#lag_ms = 0;
  }
}
