/**
 * Whether somebody who is silent has finished.
 *
 * @module
 */

import type { TurnDetectionOptions } from "../domain/voice.ts";

/** What was said so far. */
export interface Turn {
  text: string;
  language: string | undefined;
  /** What was said before, the newest last. */
  recent: readonly string[];
  /** How many pauses it has had, this one counted. */
  pauses: number;
}

/** Decides. */
export interface TurnDetector {
  /** Whether it judges by the words; absent: it needs none. */
  readonly words?: boolean;
  /** How long silence has to last before `turn` counts as over, in milliseconds. */
  decide(turn: Turn, options: { signal: AbortSignal }): Promise<number>;
}

/** Whoever decides where turns are found so. */
export type TurnDetectorOf = (how: TurnDetectionOptions) => TurnDetector;
