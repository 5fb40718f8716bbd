/**
 * Others in the same talk, each with a voice loop of their own, where several people share agents.
 *
 * @module
 */

/** The others, as one loop sees them. */
export interface Company {
  /** Whether an agent speaks in the loop of somebody else. What is said now may interrupt it, and nobody else speaks. */
  readonly speaking: boolean;
  /** Whether somebody else may be interrupting. */
  readonly barging: boolean;
  /** Stops the agent that speaks in another loop, as its own caller's voice would. */
  interrupt(): void;
  /** It was no interruption after all. */
  resume(): void;
  /** Told how loud what is played here is, in dBFS: it comes out of everybody's loudspeakers. */
  played(level: number): void;
}
