/**
 * Ends calls that nobody is in any more.
 *
 * @module
 */
import type { RtcEnd, RtcState } from "../../domain/rtc_session.ts";
import type { Clock } from "../../kit/clock.ts";

/** How long a call may be where. */
export interface WatchdogLimits {
  /** From the first description to media. */
  connect_ms: number;
  /** Without media, before the first description or after media was lost. */
  reattach_ms: number;
  max_call_ms: number;
  /** Without a word; 0: for ever. */
  idle_ms: number;
}

/** What a {@linkcode Watchdog} needs. */
export interface WatchdogDeps {
  clock: Clock;
  limits: WatchdogLimits;
  onEnd(reason: RtcEnd): void;
}

/** Watches one call. */
export class Watchdog implements Disposable {
  readonly #deps: WatchdogDeps;
  readonly #whole: Disposable;
  #state: RtcState = "created";
  #timer: Disposable | undefined;
  #idle: Disposable | undefined;
  #lastWord: number;
  /** Who is there without media. */
  #attached = 0;
  #over = false;

  constructor(deps: WatchdogDeps) {
    const { clock, limits, onEnd } = this.#deps = deps;
    this.#lastWord = clock.now();
    this.#whole = clock.after(limits.max_call_ms, () => onEnd("too_long"));
    if (limits.idle_ms > 0) this.#waitForWords(limits.idle_ms);
    this.watch("created");
  }

  /** Whether somebody is there without media. */
  get attached(): boolean {
    return this.#attached > 0;
  }

  /** The call is in `state` now. */
  watch(state: RtcState): void {
    this.#state = state;
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    const { clock, limits, onEnd } = this.#deps;
    if (this.#over || this.attached) return;
    if (state === "created") this.#timer = clock.after(limits.reattach_ms, () => onEnd("connect_timeout"));
    if (state === "connecting") this.#timer = clock.after(limits.connect_ms, () => onEnd("connect_timeout"));
    if (state === "lost") this.#timer = clock.after(limits.reattach_ms, () => onEnd("lost"));
  }

  /** Somebody is there without media, until disposed. */
  attach(): Disposable {
    this.#attached++;
    this.watch(this.#state);
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (!held) return;
        held = false;
        this.#attached--;
        this.watch(this.#state);
      },
    };
  }

  /** Somebody said something. */
  noteWord(): void {
    this.#lastWord = this.#deps.clock.now();
  }

  [Symbol.dispose](): void {
    this.#over = true;
    for (const timer of [this.#timer, this.#idle, this.#whole]) timer?.[Symbol.dispose]();
  }

  #waitForWords(idle_ms: number): void {
    const { clock, onEnd } = this.#deps;
    const left = this.#lastWord + idle_ms - clock.now();
    this.#idle = clock.after(Math.max(0, left), () => {
      if (this.#over) return;
      if (clock.now() - this.#lastWord >= idle_ms) onEnd("idle");
      else this.#waitForWords(idle_ms);
    });
  }
}
