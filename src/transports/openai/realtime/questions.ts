/**
 * What waits for a person: tools that need an approval, and agents that want to look.
 *
 * @module
 */
import { AppError } from "../../../domain/error.ts";
import type { LookSource, RtcMessage } from "../../../domain/rtc_event.ts";
import { invalid } from "../errors.ts";
import type { GivenItem } from "./client_events.ts";

/** The most questions that are remembered: what was decided elsewhere is not taken out. */
const MAX_WAITING = 256;

/** What is asked: whether a tool may be called, or whether the agent may look. */
export type Question =
  | { type: "approval"; run_id: string; tool_call_id: string }
  | { type: "consent"; look_id: string; source: LookSource };

/** The questions of one call, by the id of the item that asks. */
export class Questions {
  readonly #waiting = new Map<string, Question>();

  /** Somebody has to decide. */
  add(id: string, question: Question): void {
    this.#waiting.set(id, question);
    const [oldest] = this.#waiting.keys();
    if (this.#waiting.size > MAX_WAITING) this.drop(oldest!);
  }

  /** Nobody has to any more. */
  drop(id: string): void {
    this.#waiting.delete(id);
  }

  /** What an answer says in the call; `beside`: it is not from who is in the call. Throws an `AppError`. */
  answer(
    { approval_request_id: id, approve, reason }: Extract<GivenItem, { type: "mcp_approval_response" }>,
    { beside }: { beside: boolean },
  ): RtcMessage {
    const question = this.#waiting.get(id);
    if (!question) throw invalid("Cannot decide: nothing waits by that id", { param: "item.approval_request_id" });
    if (question.type === "consent" && beside) {
      throw new AppError("ForbiddenError", "Cannot decide: only who is in the call lets an agent look");
    }
    this.drop(id);
    if (question.type === "consent") return { ...question, allow: approve, until: "once" };
    const decision = approve ? "approve" : "deny";
    return { ...question, decision, ...typeof reason === "string" && { reason } };
  }
}
