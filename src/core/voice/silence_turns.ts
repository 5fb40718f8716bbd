/**
 * Turns that end by silence alone.
 *
 * @module
 */
import type { TurnDetector } from "../../ports/turn_detector.ts";

/** Decides that a turn is over after `end_ms` of silence, whatever was said. */
export class SilenceTurns implements TurnDetector {
  readonly #end_ms: number;

  constructor({ end_ms }: { end_ms: number }) {
    this.#end_ms = end_ms;
  }

  decide(): Promise<number> {
    return Promise.resolve(this.#end_ms);
  }
}
