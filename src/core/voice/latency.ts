/**
 * How long each stage of an answer took.
 *
 * @module
 */
import type { Clock } from "../../kit/clock.ts";

/** The stages of an answer, in order. */
export type Stage = "turn_ms" | "transcript_ms" | "first_token_ms" | "first_sound_ms" | "heard_ms";

/** Counts from the end of the caller's speech. */
export class Latency {
  readonly #clock: Clock;
  readonly #since: number;
  readonly #stages: Record<Stage, number | null> = {
    turn_ms: null,
    transcript_ms: null,
    first_token_ms: null,
    first_sound_ms: null,
    heard_ms: null,
  };

  constructor({ clock, since }: { clock: Clock; since: number }) {
    this.#clock = clock;
    this.#since = since;
  }

  /** Notes that `stage` is reached, the first time. */
  reach(stage: Stage): void {
    this.#stages[stage] ??= this.#clock.now() - this.#since;
  }

  /** Notes when the caller's end heard the answer, by its own clock. */
  heardAfter(ms: number): void {
    this.#stages.heard_ms = ms;
  }

  /** Milliseconds for each stage; null for what wasn't reached. */
  get figures(): Record<Stage, number | null> {
    return { ...this.#stages };
  }
}
