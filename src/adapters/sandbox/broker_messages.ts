/**
 * What the broker's Worker and the rest of the program say to each other.
 *
 * @module
 */
import type { AccessQuestion, Decision } from "../../ports/sandbox.ts";
import type { Rules } from "./rules.ts";

/** A person's answer: yes, or the words of a refusal. */
export type Answer = { allow: true } | { allow: false; words: string };

/** To the Worker. `session` is whose it is about. */
export type BrokerRequest =
  /** Listen at `socket` for one program. */
  | { type: "open"; session: number; socket: string; rules: Rules }
  /** The program, or the box around it, runs as process `pid`. */
  | { type: "started"; session: number; pid: number }
  /** A person's answer to `question`. */
  | { type: "answer"; session: number; question: number; answer: Answer }
  | { type: "close"; session: number };

/** From the Worker. */
export type BrokerReply =
  | { type: "listening"; session: number; error?: string }
  | { type: "denied"; session: number; words: string }
  | { type: "ask"; session: number; question: number; access: AccessQuestion }
  | { type: "counted"; session: number; decisions: Decision[] }
  /** It tried to answer its own questions, and has to be ended. */
  | { type: "tampered"; session: number; words: string }
  | { type: "closed"; session: number; decisions: Decision[] };
