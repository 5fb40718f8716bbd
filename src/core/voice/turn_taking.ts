/**
 * How long silence has to last before the agent's turn begins.
 *
 * @module
 */
import type { Turn, TurnDetector } from "../../ports/turn_detector.ts";

/** Asks a detector at each pause of a turn. */
export class TurnTaking implements Disposable {
  readonly #detector: TurnDetector;
  readonly #max_ms: number;
  #wait_ms: number;
  #asking: AbortController | undefined;

  constructor({ detector, max_ms }: { detector: TurnDetector; max_ms: number }) {
    this.#detector = detector;
    this.#max_ms = max_ms;
    this.#wait_ms = max_ms;
  }

  /** The caller pauses after having said `turn`. */
  pause(turn: Turn): void {
    this.resume();
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
