/**
 * How long silence has to last before the agent's turn begins.
 *
 * @module
 */
import type { Turn, TurnDetector } from "../../ports/turn_detector.ts";

/** What {@linkcode TurnTaking} needs. */
export interface TurnTakingDeps {
  detector: TurnDetector;
  /** How long silence lasts at the longest. */
  max_ms: number;
}

/** Asks a detector at each pause of a turn. */
export class TurnTaking implements Disposable {
  #detector: TurnDetector;
  #max_ms: number;
  #wait_ms: number;
  /** What was said up to the pause, while there is one. */
  #paused: Turn | undefined;
  #asking: AbortController | undefined;

  constructor({ detector, max_ms }: TurnTakingDeps) {
    this.#detector = detector;
    this.#max_ms = max_ms;
    this.#wait_ms = max_ms;
  }

  /** Whether the words of a turn are judged. */
  get words(): boolean {
    return this.#detector.words ?? false;
  }

  /** Asks another detector from now on, also of the pause that there is. */
  tune({ detector, max_ms }: TurnTakingDeps): void {
    const paused = this.#paused;
    this.#detector = detector;
    this.#max_ms = max_ms;
    this.resume();
    if (paused) this.pause(paused);
  }

  /** The caller pauses after having said `turn`. */
  pause(turn: Turn): void {
    this.resume();
    this.#paused = turn;
    const asking = this.#asking = new AbortController();
    const { signal } = asking;
    this.#detector.decide(turn, { signal }).then((ms) => {
      if (!signal.aborted) this.#wait_ms = Math.min(ms, this.#max_ms);
    }, () => {
      // Who can't decide leaves it to the longest silence.
    });
  }

  /** The caller goes on. */
  resume(): void {
    this.#asking?.abort(new DOMException("The caller goes on", "AbortError"));
    this.#asking = undefined;
    this.#paused = undefined;
    this.#wait_ms = this.#max_ms;
  }

  /** Whether the turn is over after `quiet_ms` of silence. */
  isOver(quiet_ms: number): boolean {
    return quiet_ms >= this.#wait_ms;
  }

  [Symbol.dispose](): void {
    this.resume();
  }
}
