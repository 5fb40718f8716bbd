/**
 * Saying something and hearing the answer.
 *
 * @module
 */
import { z } from "zod";
import type { Runs } from "../core/runs/runs.ts";
import { AgentId } from "../domain/agent.ts";
import { ConversationId, Metadata, UserId } from "../domain/conversation.ts";
import { EVENT_DATA } from "../domain/event.ts";
import { Attachment, MAX_CONTENT } from "../domain/message.ts";
import { Answer, Multitask, OnDisconnect, ResponseFormat } from "../domain/run.ts";
import { answerOf } from "./answer.ts";
import { type Bound, type Context, onStream, type Opened, stream } from "./operation.ts";

/** What a chat takes. */
export const ChatInput = z.strictObject({
  message: z.string().min(1).max(MAX_CONTENT).describe("What to say"),
  user_id: UserId.optional(),
  conversation_id: ConversationId.optional().describe("Absent: a new conversation"),
  attachments: z.array(Attachment).max(20).default([]),
  metadata: Metadata.default({}),
  multitask: Multitask.default("enqueue").describe("When the conversation is busy"),
  on_disconnect: OnDisconnect.default("continue").describe("When this connection closes early"),
  response_format: ResponseFormat.optional().describe("The form the answer must have"),
});
const AgentChatInput = ChatInput.extend({ agent_id: AgentId });

const shared = {
  access: "user",
  items: EVENT_DATA,
  output: Answer,
  limit: "run",
  once: true,
  errors: [
    "AgentNotFoundError",
    "ConversationNotFoundError",
    "FileNotFoundError",
    "ConflictError",
    "GoneError",
    "TimeoutError",
    "UpstreamError",
    "UnavailableError",
  ],
} as const;

/** Chat with whoever fits. */
export const chatSend = stream({
  ...shared,
  id: "chat_send",
  summary: "Say something and get the answer",
  input: ChatInput,
  http: "POST /chat",
  mcp: {},
});

/** The same, always as events. */
export const chatStream = stream({
  ...shared,
  id: "chat_stream",
  summary: "Say something and stream the answer",
  input: ChatInput,
  http: "POST /chat/stream",
  always: true,
});

/** Chat with one agent. */
export const agentChatSend = stream({
  ...shared,
  id: "agent_chat_send",
  summary: "Say something to an agent and get the answer",
  input: AgentChatInput,
  http: "POST /agents/{agent_id}/chat",
});

/** The same, always as events. */
export const agentChatStream = stream({
  ...shared,
  id: "agent_chat_stream",
  summary: "Say something to an agent and stream the answer",
  input: AgentChatInput,
  http: "POST /agents/{agent_id}/chat/stream",
  always: true,
});

/** Every operation of this file. */
export const chatOperations = [chatSend, chatStream, agentChatSend, agentChatStream] as const;

/** Binds this file's operations. */
export function bindChat(
  { runs, collectMs }: { runs: Runs; collectMs: () => number },
): Bound[] {
  const open = (operation: string) =>
  async (
    { message, attachments, agent_id, conversation_id, ...rest }:
      & z.output<typeof ChatInput>
      & { agent_id?: string },
    ctx: Context,
  ): Promise<Opened<Answer>> => {
    const started = await runs.start(ctx.principal, {
      operation,
      agent_id,
      conversation_id,
      messages: [{ role: "user", content: message, attachments }],
      multitask: rest.multitask,
      on_disconnect: rest.on_disconnect,
      metadata: rest.metadata,
      response_format: rest.response_format,
      idempotency_key: ctx.idempotency_key,
    });
    const items = await runs.attach(started, ctx.signal);
    return {
      items,
      collect: (options) =>
        answerOf(started.run, items, {
          ...options,
          collect_ms: collectMs(),
          signal: ctx.signal,
          isWaiting: () => runs.isWaiting(started.run.id),
        }),
    };
  };
  return [
    onStream(chatSend, open("chat_send")),
    onStream(chatStream, open("chat_stream")),
    onStream(agentChatSend, open("agent_chat_send")),
    onStream(agentChatStream, open("agent_chat_stream")),
  ];
}
