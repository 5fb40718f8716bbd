/**
 * Runs, their steps, their events, and decisions about them.
 *
 * @module
 */
import { z } from "zod";
import type { Runs } from "../core/runs/runs.ts";
import { AgentId } from "../domain/agent.ts";
import { ConversationId, Metadata, UserId } from "../domain/conversation.ts";
import { EVENT_DATA, type EventType, isFinal } from "../domain/event.ts";
import { PageInput, pageOf } from "../domain/page.ts";
import {
  Answer,
  FINAL_STATUS,
  Multitask,
  OnDisconnect,
  ResponseFormat,
  Run,
  RUN_STATUS,
  RunId,
  Step,
  ToolCall,
} from "../domain/run.ts";
import type { RunRow, StepCallRow, StepRow } from "../domain/table.ts";
import { answerOf } from "./answer.ts";
import { type Bound, call, type Item, onCall, onStream, stream } from "./operation.ts";

const one = { run_id: RunId, user_id: UserId.optional() };

/** Starts a run on what is stored. */
export const runCreate = stream({
  id: "run_create",
  summary: "Answer what is stored in a conversation: at once with the run, or with its events",
  access: "user",
  input: z.strictObject({
    conversation_id: ConversationId,
    agent_id: AgentId.optional().describe("Absent: the conversation's, or the default one"),
    user_id: UserId.optional(),
    stream: z.boolean().default(false).describe("Stream the events"),
    metadata: Metadata.default({}),
    multitask: Multitask.default("enqueue").describe("When the conversation is busy"),
    on_disconnect: OnDisconnect.default("continue").describe("When this connection closes early"),
    response_format: ResponseFormat.optional(),
  }),
  items: EVENT_DATA,
  output: Run,
  status: 202,
  flag: "stream",
  errors: ["AgentNotFoundError", "ConversationNotFoundError", "ConflictError", "GoneError", "UnavailableError"],
  http: "POST /conversations/{conversation_id}/runs",
  mcp: {},
  limit: "run",
  once: true,
});

/** Lists runs. */
export const runList = call({
  id: "run_list",
  summary: "List runs, with usage and cost",
  access: "user",
  input: z.strictObject({
    ...PageInput,
    user_id: UserId.optional(),
    conversation_id: ConversationId.optional(),
    agent_id: AgentId.optional(),
    status: z.enum(RUN_STATUS).optional(),
  }),
  output: pageOf(Run),
  errors: [],
  http: "GET /runs",
  limit: "read",
});

/** Shows a run. */
export const runGet = call({
  id: "run_get",
  summary: "Get a run, with usage and cost",
  access: "user",
  input: z.strictObject(one),
  output: Run,
  errors: ["RunNotFoundError"],
  http: "GET /runs/{run_id}",
  limit: "read",
});

/** Shows the steps of a run. */
export const runSteps = call({
  id: "run_steps",
  summary: "List the steps of a run with their tool calls",
  access: "user",
  input: z.strictObject(one),
  output: z.object({ data: z.array(Step) }),
  errors: ["RunNotFoundError"],
  http: "GET /runs/{run_id}/steps",
  limit: "read",
});

/** Follows a run. */
export const runEvents = stream({
  id: "run_events",
  summary: "Follow a run from any event on; without streaming: its answer",
  access: "user",
  input: z.strictObject({
    ...one,
    starting_after: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0)
      .describe("The last event seen (`Last-Event-ID`)"),
    types: z.array(z.enum(Object.keys(EVENT_DATA) as [keyof typeof EVENT_DATA])).max(32).optional()
      .describe("Only these types, and the one that ends the run"),
    follow: z.boolean().default(true).describe("False: only what is there now"),
  }),
  items: EVENT_DATA,
  output: Answer,
  cursor: "starting_after",
  errors: ["RunNotFoundError", "ConflictError", "GoneError", "TimeoutError", "UpstreamError", "UnavailableError"],
  http: "GET /runs/{run_id}/events",
  limit: "read",
});

/** Cancels a run. */
export const runCancel = call({
  id: "run_cancel",
  summary: "Stop a run; what it said so far is kept",
  access: "user",
  input: z.strictObject({ ...one, reason: z.string().min(1).max(500).default("cancelled by the caller") }),
  output: Run,
  status: 202,
  errors: ["RunNotFoundError", "ConflictError"],
  http: "POST /runs/{run_id}/cancel",
  mcp: { idempotent: true },
  limit: "write",
});

/** Deletes a run. */
export const runDelete = call({
  id: "run_delete",
  summary: "Delete a run that has ended, with its events and its messages",
  access: "user",
  input: z.strictObject(one),
  output: z.null(),
  status: 204,
  errors: ["RunNotFoundError", "ConflictError"],
  http: "DELETE /runs/{run_id}",
  limit: "write",
});

/** Decides about a tool call. */
export const toolCallDecide = call({
  id: "tool_call_decide",
  summary: "Approve or deny a tool call that waits for a person",
  access: "user",
  input: z.strictObject({
    ...one,
    tool_call_id: z.string().regex(/^tool_[0-9a-z]+$/),
    decision: z.enum(["approve", "deny"]),
    arguments: z.record(z.string(), z.unknown()).optional().describe(
      "Call it with these instead; the answer, where the tool's server asks",
    ),
    reason: z.string().max(1000).optional(),
  }),
  output: ToolCall,
  errors: ["RunNotFoundError", "ToolCallNotFoundError", "ConflictError"],
  http: "POST /runs/{run_id}/tool_calls/{tool_call_id}/decision",
  limit: "write",
});

/** Every operation of this file. */
export const runOperations = [
  runCreate,
  runList,
  runGet,
  runSteps,
  runEvents,
  runCancel,
  runDelete,
  toolCallDecide,
] as const;

/** Binds this file's operations. */
export function bindRuns(
  { runs, collectMs }: { runs: Runs; collectMs: () => number },
): Bound[] {
  return [
    onStream(runCreate, async ({ user_id: _, stream: __, ...rest }, ctx) => {
      const started = await runs.start(ctx.principal, {
        ...rest,
        operation: "run_create",
        idempotency_key: ctx.idempotency_key,
      });
      return {
        items: await runs.attach(started, ctx.signal),
        collect: () => Promise.resolve(toRun(started.run)),
      };
    }),
    onCall(runList, async ({ conversation_id, agent_id, status, ...page }, { principal }) => {
      const { data, next_cursor } = await runs.list(principal, page, { conversation_id, agent_id, status });
      return { data: data.map(toRun), next_cursor };
    }),
    onCall(runGet, async ({ run_id }, { principal }) => toRun(await runs.get(principal, run_id))),
    onCall(runSteps, async ({ run_id }, { principal }) => {
      const steps = await runs.steps(principal, run_id);
      return { data: steps.map(({ step, tool_calls }) => toStep(step, tool_calls)) };
    }),
    onStream(runEvents, async ({ run_id, starting_after, types, follow }, { principal, signal }) => {
      const all = await runs.follow(principal, run_id, { cursor: starting_after, signal, follow });
      const run = await runs.get(principal, run_id);
      return {
        items: all && types ? only(all, types) : all,
        collect: async (options) => {
          if (!follow && !FINAL_STATUS.includes(run.status)) {
            const { conversation_id, status, usage, error } = run;
            return { run_id, conversation_id, status, message: null, usage, error };
          }
          const items = all ?? await runs.follow(principal, run_id, { cursor: Math.max(run.pruned_seq, 0), signal }) ??
            nothing();
          return await answerOf(run, items, {
            ...options,
            collect_ms: collectMs(),
            signal,
            isWaiting: () => runs.isWaiting(run_id),
          });
        },
      };
    }),
    onCall(runCancel, async ({ run_id, reason }, { principal }) => toRun(await runs.cancel(principal, run_id, reason))),
    onCall(runDelete, async ({ run_id }, { principal }) => {
      await runs.delete(principal, run_id);
      return null;
    }),
    onCall(toolCallDecide, async ({ run_id, tool_call_id, user_id: _, ...decision }, { principal }) => {
      return toToolCall(await runs.decide(principal, run_id, tool_call_id, decision));
    }),
  ];
}

/** The items of `types`, and the last one in any case: who never saw it would come back for it again and again. */
async function* only(items: AsyncIterable<Item>, types: readonly string[]): AsyncGenerator<Item> {
  for await (const item of items) if (types.includes(item.type) || isFinal(item.type as EventType)) yield item;
}

async function* nothing(): AsyncGenerator<Item> {}

/** A run as shown. */
export function toRun(row: RunRow): Run {
  const { id, conversation_id, agent_id, agent_revision, user_id, status, waiting_for, multitask, on_disconnect } = row;
  const { metadata, options, response_format, usage, error, cancel_requested_at, created_at, started_at, ended_at } =
    row;
  return {
    id,
    conversation_id,
    agent_id,
    agent_revision,
    user_id,
    status,
    waiting_for,
    multitask,
    on_disconnect,
    metadata,
    options,
    response_format,
    usage,
    error,
    cancel_requested_at,
    created_at,
    started_at,
    ended_at,
  };
}

function toStep(row: StepRow, calls: StepCallRow[]): Step {
  const { id, run_id, position, kind, status, attempt, model, usage, error, started_at, ended_at } = row;
  const tool_calls = calls.map(toToolCall);
  return { id, run_id, position, kind, status, attempt, model, usage, error, started_at, ended_at, tool_calls };
}

function toToolCall(row: StepCallRow): ToolCall {
  const { id, run_id, step_id, tool, status, result, error, attempt, created_at, started_at, ended_at } = row;
  return {
    id,
    run_id,
    step_id,
    tool,
    arguments: row.arguments,
    status,
    result,
    error,
    attempt,
    created_at,
    started_at,
    ended_at,
  };
}
