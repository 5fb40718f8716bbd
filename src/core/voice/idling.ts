/**
 * A caller who says nothing once the agent was heard.
 *
 * @module
 */
import { FRAME_MS } from "../../ports/audio_codec.ts";

/** How often in a row the agent goes on by itself: each time is paid for, and maybe nobody is there any more. */
const MAX_IN_A_ROW = 3;

/** Says when the agent is to go on by itself. */
export class Idling {
  #after_ms = Infinity;
  /** Whether an answer was heard to its end, and nothing has followed. */
  #waiting = false;
  #quiet = 0;
  #inARow = 0;

  /** Waits `ms`, or for ever. */
  tune(ms = Infinity): void {
    this.#after_ms = ms;
  }

  /** An answer was heard to its end. */
  answered(): void {
    this.#waiting = true;
    this.#quiet = 0;
  }

  /** Something is asked of the agent, maybe in the words of the caller, who is there then. */
  asked({ inWords }: { inWords: boolean }): void {
    this.#waiting = false;
    if (inWords) this.#inARow = 0;
  }

  /** A frame has passed, maybe quiet. Returns for how many milliseconds it was, once that is too long. */
  pass({ quiet }: { quiet: boolean }): number | undefined {
    this.#quiet = quiet && this.#waiting ? this.#quiet + 1 : 0;
    const quiet_ms = this.#quiet * FRAME_MS;
    if (quiet_ms < this.#after_ms || this.#inARow >= MAX_IN_A_ROW) return undefined;
    this.#waiting = false;
    this.#inARow++;
    return quiet_ms;
  }
}
