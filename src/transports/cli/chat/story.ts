/**
 * What a run's events tell, one after the other.
 *
 * @module
 */
import type { z } from "zod";
import type { ErrorBody } from "../../../domain/error.ts";
import { EVENT_DATA, type EventType } from "../../../domain/event.ts";
import type { Answer, PersonQuestion } from "../../../domain/run.ts";
import { NO_USAGE } from "../../../domain/usage.ts";
import type { Item } from "../../../operations/operation.ts";

/** A call of a tool, as far as it has come. */
export interface ToldCall {
  id: string;
  tool: string;
  arguments: Record<string, unknown>;
  /** Why a person is asked; absent when nobody is. */
  reason?: string;
  /** What its server asks in its middle. */
  question?: PersonQuestion;
}

/** One thing to show. */
export type Part =
  | { kind: "queued"; behind: string | null }
  | { kind: "text" | "reasoning"; step_id: string; text: string }
  /** What was shown of the answer doesn't count: it begins anew, or is something else. */
  | { kind: "restarted"; attempt: number }
  | { kind: "replaced"; text: string }
  | { kind: "called"; call: ToldCall }
  | { kind: "result"; call: ToldCall; result: unknown; error?: ErrorBody; duration_ms: number }
  | { kind: "decided"; call: ToldCall; approved: boolean; by: string; reason?: string }
  | { kind: "waiting"; calls: ToldCall[] }
  /** Its server asks, and the run goes on with the answer. */
  | { kind: "asked"; call: ToldCall; question: PersonQuestion }
  | { kind: "handoff"; from: string; to: string }
  | { kind: "ended"; answer: Answer; agent_id: string; steps: number; seconds: number };

type Told = { [T in EventType]: { type: T; data: z.output<typeof EVENT_DATA[T]> } }[EventType];

/** An event in its shape; undefined for what this program doesn't know. */
function toTold({ type, data }: Item): Told | undefined {
  if (!Object.hasOwn(EVENT_DATA, type)) return undefined;
  const parsed = EVENT_DATA[type as EventType].safeParse(JSON.parse(data));
  return parsed.success ? { type, data: parsed.data } as Told : undefined;
}

/** Keeps what is known of a run. */
export class Story {
  /** The last event that was told. */
  last = 0;
  run_id: string | undefined;
  conversation_id: string | undefined;
  /** What was told of the run's end. */
  answer: Answer | undefined;
  #agent = "";
  #started = "";
  #steps = new Set<string>();
  /** Text by step, since its last beginning. */
  #texts = new Map<string, string>();
  #calls = new Map<string, ToldCall>();
  #asked = new Set<string>();

  /** Calls that wait for a person. */
  get asked(): ToldCall[] {
    return [...this.#asked].flatMap((id) => this.#calls.get(id) ?? []);
  }

  /** Takes the next event and says what there is to show. What was told before, or can't be read, is nothing. */
  tell(item: Item): Part[] {
    if (item.seq !== undefined && item.seq <= this.last) return [];
    this.last = item.seq ?? this.last;
    const told = toTold(item);
    if (!told) return [];
    const { data } = told;
    if ("run_id" in data) this.run_id = data.run_id;
    if ("conversation_id" in data) this.conversation_id = data.conversation_id;
    return this.#show(told);
  }

  #show({ type, data }: Told): Part[] {
    switch (type) {
      case "run.queued":
        return [{ kind: "queued", behind: data.behind }];
      case "run.started":
        this.#agent = data.agent_id;
        this.#started ||= data.time;
        return [];
      case "step.started":
        this.#steps.add(data.step_id);
        return [];
      case "step.restarted": {
        const had = this.#texts.get(data.step_id) ?? "";
        this.#texts.delete(data.step_id);
        return had === "" ? [] : [{ kind: "restarted", attempt: data.attempt }];
      }
      case "model.delta":
        this.#texts.set(data.step_id, (this.#texts.get(data.step_id) ?? "") + data.text);
        return [{ kind: "text", step_id: data.step_id, text: data.text }];
      case "model.reasoning.delta":
        return [{ kind: "reasoning", step_id: data.step_id, text: data.text }];
      case "message.completed": {
        const { step_id, message: { content } } = data;
        const shown = this.#texts.get(step_id) ?? "";
        this.#texts.set(step_id, content);
        if (shown === content) return [];
        return shown === "" ? [{ kind: "text", step_id, text: content }] : [{ kind: "replaced", text: content }];
      }
      case "tool.call.started": {
        const call = { id: data.tool_call_id, tool: data.tool, arguments: data.arguments };
        this.#calls.set(call.id, call);
        return [{ kind: "called", call }];
      }
      case "tool.call.approval_required": {
        const { tool_call_id: id, tool, arguments: args, reason, question } = data;
        const call = { id, tool, arguments: args, reason, ...question && { question } };
        this.#calls.set(id, call);
        this.#asked.add(id);
        return question ? [{ kind: "asked", call, question }] : [];
      }
      case "run.waiting":
        return [{ kind: "waiting", calls: this.asked }];
      case "tool.call.approved":
      case "tool.call.denied": {
        this.#asked.delete(data.tool_call_id);
        const approved = type === "tool.call.approved";
        const reason = "reason" in data && data.reason ? { reason: data.reason } : {};
        const call = this.#call(data.tool_call_id);
        return [{ kind: "decided", call, approved, by: data.decided_by, ...reason }];
      }
      case "tool.call.result": {
        const { result, error, duration_ms } = data;
        const call = this.#call(data.tool_call_id);
        return [{ kind: "result", call, result, duration_ms, ...error && { error: error as ErrorBody } }];
      }
      case "agent.handoff":
        this.#agent = data.to;
        return [{ kind: "handoff", from: data.from, to: data.to }];
      case "run.completed": {
        const { message, usage, finish_reason } = data;
        return this.#end(data.time, { status: "completed", message, usage, ...finish_reason && { finish_reason } });
      }
      case "run.failed":
        return this.#end(data.time, { status: "failed", error: data.error, usage: data.usage });
      case "run.cancelled":
        return this.#end(data.time, { status: "cancelled", usage: data.usage });
      default:
        return [];
    }
  }

  #call(id: string): ToldCall {
    return this.#calls.get(id) ?? { id, tool: id, arguments: {} };
  }

  /** The answer of a run that waits. */
  waiting(): Answer {
    return this.#toAnswer({ status: "waiting" });
  }

  #toAnswer(given: Partial<Answer> & Pick<Answer, "status">): Answer {
    const { run_id = "", conversation_id = "" } = this;
    return { run_id, conversation_id, message: null, usage: NO_USAGE, error: null, ...given };
  }

  #end(time: string, given: Partial<Answer> & Pick<Answer, "status">): Part[] {
    this.#asked.clear();
    const answer = this.#toAnswer(given);
    this.answer = answer;
    const seconds = this.#started === "" ? 0 : Math.max(0, (Date.parse(time) - Date.parse(this.#started)) / 1000);
    return [{ kind: "ended", answer, agent_id: this.#agent, steps: this.#steps.size, seconds }];
  }
}
