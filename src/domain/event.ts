/**
 * What happens during a run, as the log keeps it and every door tells it.
 *
 * @module
 */
import { z } from "zod";
import { FINISH_REASON, SpokenMessage } from "./message.ts";
import { PersonQuestion, RunError } from "./run.ts";
import { Usage } from "./usage.ts";

/** The version of the shapes below that new events are stored with. */
export const EVENT_VERSION = 1;

const base = { run_id: z.string(), time: z.string() };
const call = { ...base, tool_call_id: z.string() };

/** The data of each type. Shapes only grow. */
export const EVENT_DATA = {
  "run.queued": z.object({
    ...base,
    conversation_id: z.string(),
    behind: z.string().nullable(),
    reason: z.string().optional(),
  }),
  "run.started": z.object({ ...base, conversation_id: z.string(), agent_id: z.string(), attempt: z.number() }),
  "run.waiting": z.object({
    ...base,
    reason: z.enum(["approval", "tool_outcome_unknown"]),
    tool_call_ids: z.array(z.string()),
  }),
  "run.completed": z.object({
    ...base,
    message: SpokenMessage.nullable(),
    usage: Usage,
    finish_reason: z.enum(FINISH_REASON).optional(),
  }),
  "run.failed": z.object({ ...base, error: RunError, usage: Usage }),
  "run.cancelled": z.object({ ...base, reason: z.string(), usage: Usage }),
  "step.started": z.object({ ...base, step_id: z.string(), kind: z.string(), agent_id: z.string() }),
  "step.completed": z.object({
    ...base,
    step_id: z.string(),
    usage: Usage.nullable(),
    /** Of the message that asked for tools: it is told of by no other event. */
    message_id: z.string().optional(),
  }),
  "step.restarted": z.object({ ...base, step_id: z.string(), attempt: z.number() }),
  "plan.created": z.object({ ...base, step_id: z.string(), plan: z.unknown() }),
  "model.delta": z.object({ step_id: z.string(), text: z.string() }),
  "model.reasoning.delta": z.object({ step_id: z.string(), text: z.string() }),
  "message.completed": z.object({ ...base, step_id: z.string(), message: SpokenMessage }),
  "tool.call.started": z.object({
    ...call,
    step_id: z.string(),
    tool: z.string(),
    arguments: z.record(z.string(), z.unknown()),
  }),
  "tool.call.progress": z.object({
    ...call,
    progress: z.number(),
    total: z.number().optional(),
    message: z.string().optional(),
  }),
  "tool.call.result": z.object({
    ...call,
    step_id: z.string(),
    result: z.unknown(),
    error: RunError.optional(),
    duration_ms: z.number(),
  }),
  "tool.call.approval_required": z.object({
    ...call,
    step_id: z.string(),
    tool: z.string(),
    arguments: z.record(z.string(), z.unknown()),
    reason: z.string(),
    expires_at: z.string(),
    /** What the tool's server asks in the middle of the call; the answer goes in the decision's `arguments`. */
    question: PersonQuestion.optional(),
  }),
  "tool.call.approved": z.object({ ...call, decided_by: z.string() }),
  "tool.call.denied": z.object({ ...call, decided_by: z.string(), reason: z.string().optional() }),
  "agent.handoff": z.object({ ...base, step_id: z.string(), from: z.string(), to: z.string() }),
};

/** The name of an event's type. */
export type EventType = keyof typeof EVENT_DATA;

/** An event of any type, before it has a place in the log. */
export type NewEvent = {
  [T in EventType]: { type: T; data: Omit<z.infer<typeof EVENT_DATA[T]>, "run_id" | "time"> };
}[EventType];

/** An event in the log. `data` is the JSON that goes over the wire, as it is stored. */
export interface RunEvent {
  run_id: string;
  /** 1, 2, 3 … within the run, without gaps. */
  seq: number;
  type: EventType;
  data: string;
}

/** The types of text that comes in pieces. */
export const DELTA_TYPES: readonly EventType[] = ["model.delta", "model.reasoning.delta"];

/** Whether nothing comes after an event of `type`. */
export function isFinal(type: EventType): boolean {
  return type === "run.completed" || type === "run.failed" || type === "run.cancelled";
}
