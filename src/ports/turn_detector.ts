/**
 * Whether somebody who is silent has finished.
 *
 * @module
 */

/** What was said so far. */
export interface Turn {
  text: string;
  language: string | undefined;
  /** What was said before, the newest last. */
  recent: readonly string[];
}

/** Decides. */
export interface TurnDetector {
  /** How long silence has to last before `turn` counts as over, in milliseconds. */
  decide(turn: Turn, options: { signal: AbortSignal }): Promise<number>;
}
