/**
 * How a run ends. Each ending is one commit, and only one can happen.
 *
 * @module
 */
import type { ErrorBody } from "../../domain/error.ts";
import type { NewEvent } from "../../domain/event.ts";
import type { FinishReason, SpokenMessage } from "../../domain/message.ts";
import type { MessageRow, ModelCallRow, RunRow, StepRow } from "../../domain/table.ts";
import { addUsage, type Usage } from "../../domain/usage.ts";
import { type Clock, toTime } from "../../kit/clock.ts";
import { createId } from "../../kit/id.ts";
import type { Change, Write } from "../../ports/store.ts";

/** An ending, ready to be recorded. */
export interface Ending {
  events: NewEvent[];
  change: Change;
  run: RunRow;
}

/** What a step leaves behind when the run ends in it. */
export interface Leaving {
  step?: StepRow | undefined;
  message?: MessageRow | undefined;
  model_call?: ModelCallRow | undefined;
  /** Why the message ends where it does. */
  finish_reason?: FinishReason | undefined;
}

/** The message that a run says. */
export function toSpoken(
  run: RunRow,
  content: string,
  clock: Clock,
  metadata: Record<string, unknown> = {},
): MessageRow {
  const { tenant_id, key_id, user_id, conversation_id, turn } = run;
  return {
    tenant_id,
    key_id,
    user_id,
    id: createId("msg"),
    conversation_id,
    run_id: run.id,
    turn,
    role: "assistant",
    content,
    attachments: [],
    tool_calls: null,
    tool_call_id: null,
    citations: null,
    metadata,
    created_at: toTime(clock.now()),
  };
}

/** What `call` used. */
export function usageOf(call: ModelCallRow | undefined): Usage | null {
  if (!call) return null;
  const { input_tokens, output_tokens, reasoning_tokens, cached_input_tokens, cost } = call;
  return {
    input_tokens,
    output_tokens,
    total_tokens: input_tokens + output_tokens,
    cost,
    ...reasoning_tokens > 0 && { reasoning_tokens },
    ...cached_input_tokens > 0 && { cached_input_tokens },
  };
}

function spokenOf({ id, role, content, tool_calls, citations }: MessageRow): SpokenMessage {
  return { id, role, content, ...tool_calls && { tool_calls }, ...citations && { citations } };
}

function leave(run: RunRow, { step, message, model_call }: Leaving, status: StepRow["status"], now: string) {
  const events: NewEvent[] = [];
  const writes: Write[] = [];
  const used = usageOf(model_call);
  if (model_call) writes.push({ insert: "model_calls", rows: [model_call] });
  if (message) {
    writes.push({ insert: "messages", rows: [message] });
    events.push({ type: "message.completed", data: { step_id: step?.id ?? "", message: spokenOf(message) } });
  }
  if (step) {
    const { error, model } = step;
    writes.push({ update: "steps", where: { id: step.id }, set: { status, ended_at: now, usage: used, error, model } });
    if (status === "completed") events.push({ type: "step.completed", data: { step_id: step.id, usage: used } });
  }
  return { events, writes, usage: used ? addUsage(run.usage, used) : run.usage };
}

function end(run: RunRow, set: Partial<RunRow>): { run: RunRow; write: Write } {
  return { run: { ...run, ...set }, write: { update: "runs", where: { id: run.id }, set } };
}

/** The run is done. Refused when somebody asked for its cancellation before. */
export function completed(run: RunRow, leaving: Leaving, clock: Clock): Ending {
  const now = toTime(clock.now());
  const { events, writes, usage } = leave(run, leaving, "completed", now);
  const ended = end(run, { status: "completed", usage, ended_at: now, instance_id: null, waiting_for: null });
  const { finish_reason } = leaving;
  const message = leaving.message ? spokenOf(leaving.message) : null;
  return {
    run: ended.run,
    events: [...events, { type: "run.completed", data: { message, usage, ...finish_reason && { finish_reason } } }],
    change: {
      preconditions: [{ from: "runs", where: { id: run.id, cancel_requested_at: null }, exists: true }],
      writes: [...writes, ended.write],
    },
  };
}

/** The run can't go on. */
export function failed(run: RunRow, error: ErrorBody, leaving: Leaving, clock: Clock): Ending {
  const now = toTime(clock.now());
  const { events, writes, usage } = leave(run, leaving, "failed", now);
  const ended = end(run, { status: "failed", usage, error, ended_at: now, instance_id: null, waiting_for: null });
  return {
    run: ended.run,
    events: [...events, { type: "run.failed", data: { error, usage } }],
    change: { writes: [...writes, ...withdrawn(run, now), ended.write] },
  };
}

/** Somebody stopped the run. */
export function cancelled(run: RunRow, reason: string, leaving: Leaving, clock: Clock): Ending {
  const now = toTime(clock.now());
  const { events, writes, usage } = leave(run, leaving, "cancelled", now);
  const asked = { cancel_requested_at: run.cancel_requested_at ?? now, cancel_reason: reason };
  const ended = end(run, { status: "cancelled", usage, ended_at: now, instance_id: null, waiting_for: null, ...asked });
  return {
    run: ended.run,
    events: [...events, { type: "run.cancelled", data: { reason, usage } }],
    change: { writes: [...writes, ...withdrawn(run, now), ended.write] },
  };
}

/** What was open and never will be: steps, tool calls, decisions. */
function withdrawn(run: RunRow, now: string): Write[] {
  const run_id = run.id;
  return [
    { update: "steps", where: { run_id, status: "running" }, set: { status: "cancelled", ended_at: now } },
    {
      update: "tool_calls",
      where: { run_id, status: { in: ["pending", "approval_required", "running", "unknown"] } },
      set: { status: "cancelled", ended_at: now },
    },
    { update: "approvals", where: { run_id, status: "pending" }, set: { status: "withdrawn", decided_at: now } },
  ];
}
