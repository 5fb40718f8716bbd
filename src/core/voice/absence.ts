/**
 * A caller of whom nothing comes: who is silent, and whose sound is held up.
 *
 * @module
 */
import { FRAME_MS } from "../../ports/audio_codec.ts";

/** For how long nothing comes of who is silent: of one who saves packets then, and of one whose sound may be held up. */
const ABSENT_MS = { saving: 100, other: 500 } as const;
/** A packet this short has no sound in it: the sender saves (DTX; RFC 7587, section 3.1.3). */
const SAVED = 2;
/** How much of what came ahead of its time counts, in milliseconds. */
const MAX_AHEAD_MS = 1000;

/** Follows what comes of a caller. Times are the clock's, in milliseconds. */
export class Absence {
  /** Until when what has come lasts: it may come in larger pieces than it is heard in. */
  #until = 0;
  #saves = false;

  /** A packet of `bytes` has come at `now`, with which so many frames can be heard. */
  came({ bytes, frames }: { bytes: number; frames: number }, now: number): void {
    this.#saves = bytes <= SAVED;
    const lasts = Math.max(this.#until, now) + frames * FRAME_MS;
    this.#until = this.#saves ? now : Math.min(lasts, now + MAX_AHEAD_MS);
  }

  /** Whether the caller, of whom nothing more has come, is silent at `now`. */
  isSilent(now: number): boolean {
    return now - this.#until >= (this.#saves ? ABSENT_MS.saving : ABSENT_MS.other);
  }
}
