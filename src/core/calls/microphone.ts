/**
 * Which of the tracks of sound that somebody sends is their microphone.
 *
 * @module
 */
import type { TrackNames } from "./call_tap.ts";

/** The track that is named so, else the first of which something comes. */
export class Microphone {
  #mid: string | undefined;

  /** Whether what comes on track `mid` is the microphone's. */
  takes(mid: string): boolean {
    this.#mid ??= mid;
    return mid === this.#mid;
  }

  /** The client says what its tracks are. */
  name(tracks: TrackNames): void {
    this.#mid = Object.keys(tracks).find((mid) => tracks[mid] === "microphone") ?? this.#mid;
  }

  /** Another connection takes the place of the one before. */
  replace(): void {
    this.#mid = undefined;
  }
}
