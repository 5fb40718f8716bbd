/**
 * What is written and told of tool calls.
 *
 * @module
 */
import type { AgentConfig } from "../../domain/agent.ts";
import type { NewEvent } from "../../domain/event.ts";
import type { ToolRequest } from "../../domain/message.ts";
import type {
  ApprovalRow,
  FileRow,
  MessageRow,
  RunRow,
  StepCallRow,
  StepRow,
  ToolCallRow,
} from "../../domain/table.ts";
import { type Clock, toTime } from "../../kit/clock.ts";
import { toSpoken } from "./endings.ts";

/** The row of a call that a model asks for. */
export function toToolCallRow(step: StepRow, call: ToolRequest, clock: Clock): StepCallRow {
  const { tenant_id, key_id, user_id, run_id } = step;
  return {
    tenant_id,
    key_id,
    user_id,
    id: call.tool_call_id,
    run_id,
    step_id: step.id,
    tool: call.tool,
    arguments: call.arguments,
    status: "pending",
    result: null,
    error: null,
    idempotent: false,
    attempt: 1,
    duration_ms: null,
    created_at: toTime(clock.now()),
    started_at: null,
    ended_at: null,
  };
}

/** What a question to a person is about. */
export interface Question {
  kind: ApprovalRow["kind"];
  reason: string;
  /** How long there is to decide. */
  timeout_ms: number;
}

/** The row of a question about `call`. */
export function toApprovalRow(
  { policies }: AgentConfig,
  call: StepCallRow,
  { kind, reason, timeout_ms }: Question,
  clock: Clock,
): ApprovalRow {
  const { tenant_id, key_id, user_id, id, run_id } = call;
  const now = clock.now();
  return {
    tenant_id,
    key_id,
    user_id,
    id,
    run_id,
    kind,
    status: "pending",
    reason,
    decider: policies.decide ?? "user",
    decided_by: null,
    decided_at: null,
    expires_at: toTime(now + timeout_ms),
    created_at: toTime(now),
    question: null,
    answer: null,
  };
}

/** What the model reads of a call, with the pictures it may look at. */
export function toToolMessage(
  run: RunRow,
  call: ToolCallRow,
  { clock, pictures = [] }: { clock: Clock; pictures?: readonly FileRow[] },
): MessageRow {
  const content = JSON.stringify(
    call.error ? { error: call.error.message, ...call.error.details } : call.result ?? null,
  );
  const attachments = pictures.map(({ id }) => ({ file_id: id }));
  return { ...toSpoken(run, content, clock), role: "tool", tool_call_id: call.id, attachments };
}

/** The event that tells of a call's result. */
export function toolResult(call: StepCallRow, duration_ms: number): NewEvent {
  const { id: tool_call_id, step_id, result, error } = call;
  return {
    type: "tool.call.result",
    data: { tool_call_id, step_id, result: result ?? null, ...error && { error }, duration_ms },
  };
}

/** The event that asks a person. */
export function approvalRequired(call: StepCallRow, { reason, expires_at, question }: ApprovalRow): NewEvent {
  const { id: tool_call_id, step_id, tool, arguments: args } = call;
  return {
    type: "tool.call.approval_required",
    data: { tool_call_id, step_id, tool, arguments: args, reason, expires_at, ...question && { question } },
  };
}
