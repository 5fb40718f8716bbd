/**
 * Turns that end when what was said is complete.
 *
 * @module
 */
import { within } from "../../kit/abortable.ts";
import type { Clock } from "../../kit/clock.ts";
import type { Turn, TurnDetector } from "../../ports/turn_detector.ts";

const INSTRUCTION =
  `Somebody speaks to you on the phone and has just fallen silent. Decide whether they have finished ` +
  `what they want to say, or pause in the middle of it. Their words were written down by a machine, without punctuation ` +
  `you could rely on, in any language. Answer with one word: DONE when a reply is due now, WAIT when they go on.`;
/** How much of the talk before is shown. */
const RECENT = 4;
/** How often the model is asked in one turn: each time is paid for. */
const MAX_ASKED = 12;

/** What {@linkcode SemanticTurns} need. */
export interface SemanticTurnsDeps {
  /** Asks a model; its first word counts. */
  ask(question: { instruction: string; text: string }, options: { signal: AbortSignal }): Promise<string>;
  clock: Clock;
  /** How long the model may take. */
  timeout_ms: number;
  /** How long silence lasts after what is complete, and after what isn't. */
  done_ms: number;
  wait_ms: number;
  /** Decides when the model doesn't. */
  fallback: TurnDetector;
}

/** Asks a model whether a turn is over. */
export class SemanticTurns implements TurnDetector {
  readonly words = true;
  readonly #deps: SemanticTurnsDeps;

  constructor(deps: SemanticTurnsDeps) {
    this.#deps = deps;
  }

  async decide(turn: Turn, { signal }: { signal: AbortSignal }): Promise<number> {
    const { ask, clock, timeout_ms: ms, done_ms, wait_ms, fallback } = this.#deps;
    // Noise leaves nothing to judge.
    if (turn.text.trim() === "" || turn.pauses > MAX_ASKED) return await fallback.decide(turn, { signal });
    const question = { instruction: INSTRUCTION, text: toText(turn) };
    try {
      const late = () => new Error("The model took too long");
      const answer = await within((signal) => ask(question, { signal }), { clock, ms, signal, late });
      const word = /[A-Z]+/.exec(answer.toUpperCase())?.[0];
      if (word === "DONE") return done_ms;
      if (word === "WAIT") return wait_ms;
    } catch {
      signal.throwIfAborted();
    }
    return await fallback.decide(turn, { signal });
  }
}

function toText({ text, recent }: Turn): string {
  const before = recent.slice(-RECENT).map((line) => `Before: ${line}`);
  return [...before, `Now: ${text}`].join("\n");
}
