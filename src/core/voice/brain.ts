/**
 * Whoever answers the caller, as the talk sees it.
 *
 * @module
 */
import type { Delivery } from "../orchestrator/execution.ts";
import type { VoiceChoice } from "./speaking.ts";

/** What is known of an answer, as it comes. */
export type Said =
  /** The run that answers, and how whoever answers sounds, if that has to change. */
  | { type: "started"; run_id: string; voice?: VoiceChoice }
  /** More of what is to be said. */
  | { type: "text"; text: string }
  /** Nothing comes until a person has decided. */
  | { type: "waiting" };

/** Options for {@linkcode Brain.answer}. */
export interface AnswerOptions {
  turn_id: string;
  /** Says the answer aloud. Goes with the run, which then ends when it was heard. */
  delivery: Delivery;
  /** Who is to answer, and what they are told beside it; absent: whoever always does. */
  by?: { agent_id: string; instructions: string; metadata: Record<string, unknown> } | undefined;
  /** Aborts when the call is over: nobody follows the answer any more, whatever becomes of its run. */
  signal: AbortSignal;
}

/** Answers. */
export interface Brain {
  /**
   * Answers what the caller said. Ends when the answer does, also one that was interrupted; throws an `AppError` when
   * there is none.
   */
  answer(text: string, options: AnswerOptions): AsyncIterable<Said>;
  /** Told what the caller seems to have said, so that the answer may be there sooner. Aborted when it was something else. */
  prepare?(text: string, options: { turn_id: string; signal: AbortSignal }): void;
}
