/**
 * Answering messages that the caller keeps: what the doors of other protocols are made of.
 *
 * @module
 */
import { z } from "zod";
import type { Completions } from "../core/orchestrator/completions.ts";
import type { Runs } from "../core/runs/runs.ts";
import { AgentId } from "../domain/agent.ts";
import { Metadata, UserId } from "../domain/conversation.ts";
import { EVENT_DATA } from "../domain/event.ts";
import { FINISH_REASON, GivenMessage, SpokenMessage } from "../domain/message.ts";
import { Answer, Multitask, OnDisconnect, ResponseFormat, RunId, RunOptions } from "../domain/run.ts";
import { Usage } from "../domain/usage.ts";
import { answerOf } from "./answer.ts";
import { type Bound, type Item, onStream, stream } from "./operation.ts";

const given = {
  agent_id: AgentId,
  messages: z.array(GivenMessage).min(1).max(1000).describe("Oldest first"),
  user_id: UserId.optional(),
  options: RunOptions.default({}),
  response_format: ResponseFormat.optional().describe("The form the answer must have"),
};

/** Answers messages in a run. */
export const agentRespond = stream({
  id: "agent_respond",
  summary: "Answer given messages in a run: by themselves, in a pinned conversation, or going on behind a run",
  access: "user",
  input: z.strictObject({
    ...given,
    conversation: z.string().regex(/^[\x21-\x7e]{1,256}$/).optional().describe(
      "The caller's own name of a conversation, or its id. Made when it isn't there; then only the newest messages count",
    ),
    after_run_id: RunId.optional().describe(
      "Go on behind this run, in its conversation or, if that went on, in a copy",
    ),
    store: z.boolean().default(false).describe("Keep the conversation; otherwise it is in no list and soon removed"),
    metadata: Metadata.default({}),
    multitask: Multitask.default("enqueue").describe("When the conversation is busy"),
    on_disconnect: OnDisconnect.default("continue").describe("When this connection closes early"),
  }),
  items: EVENT_DATA,
  output: Answer,
  limit: "run",
  once: true,
  errors: [
    "AgentNotFoundError",
    "ConversationNotFoundError",
    "RunNotFoundError",
    "FileNotFoundError",
    "ConflictError",
    "GoneError",
    "TimeoutError",
    "UpstreamError",
    "UnavailableError",
  ],
  http: "POST /agents/{agent_id}/respond",
});

/** What a plain call of a model says at its end. */
const Completion = z.object({
  message: SpokenMessage,
  usage: Usage,
  finish_reason: z.enum(FINISH_REASON),
}).meta({ id: "Completion" });

/** Calls an agent's model, and nothing else. */
export const modelComplete = stream({
  id: "model_complete",
  summary: "Call an agent's model once: no run, no memory, none of the agent's instructions or tools",
  access: "user",
  input: z.strictObject(given),
  items: {
    "model.delta": z.object({ text: z.string() }),
    "model.reasoning.delta": z.object({ text: z.string() }),
    "model.completed": Completion,
  },
  output: Completion,
  limit: "run",
  errors: ["AgentNotFoundError", "FileNotFoundError", "TimeoutError", "UpstreamError", "UnavailableError"],
  http: "POST /agents/{agent_id}/complete",
});

/** Every operation of this file. */
export const respondOperations = [agentRespond, modelComplete] as const;

/** Binds this file's operations. */
export function bindRespond(
  { runs, completions, collectMs }: { runs: Runs; completions: Completions; collectMs: () => number },
): Bound[] {
  return [
    onStream(agentRespond, async ({ user_id: _, ...request }, { principal, signal, idempotency_key }) => {
      const started = await runs.respond(principal, { ...request, operation: "agent_respond", idempotency_key });
      const items = await runs.attach(started, signal);
      return {
        items,
        collect: (options) =>
          answerOf(started.run, items, {
            ...options,
            collect_ms: collectMs(),
            signal,
            isWaiting: () => runs.isWaiting(started.run.id),
          }),
      };
    }),
    onStream(modelComplete, async ({ user_id: _, ...request }, { principal, signal }) => {
      const items = await completions.open(principal, request, signal);
      return { items, collect: ({ onCommitted }) => completed(items, onCommitted) };
    }),
  ];
}

async function completed(items: AsyncIterable<Item>, onCommitted: () => void): Promise<z.infer<typeof Completion>> {
  for await (const { type, data } of items) {
    if (type === "model.completed") return JSON.parse(data);
    onCommitted();
  }
  throw new Error("A completion ended without its last item");
}
