/**
 * Conversations and their messages.
 *
 * @module
 */
import { z } from "zod";
import type { Agents } from "../core/agents/agents.ts";
import type { Conversations } from "../core/conversations/conversations.ts";
import type { Runs } from "../core/runs/runs.ts";
import { actingFor } from "../domain/access.ts";
import { AgentId } from "../domain/agent.ts";
import { Conversation, ConversationId, Metadata, UserId } from "../domain/conversation.ts";
import { AppError } from "../domain/error.ts";
import { Attachment, MAX_CONTENT, Message } from "../domain/message.ts";
import { PageInput, pageOf } from "../domain/page.ts";
import { RunId } from "../domain/run.ts";
import type { ConversationRow, MessageRow } from "../domain/table.ts";
import { type Bound, call, onCall } from "./operation.ts";

const NOT_FOUND = ["ConversationNotFoundError"] as const;

/** Makes a conversation. */
export const conversationCreate = call({
  id: "conversation_create",
  summary: "Begin a conversation",
  access: "user",
  input: z.strictObject({
    agent_id: AgentId.optional().describe("Who answers by default"),
    user_id: UserId.optional(),
    title: z.string().min(1).max(200).optional(),
    metadata: Metadata.default({}),
  }),
  output: Conversation,
  status: 201,
  errors: ["AgentNotFoundError", "ConflictError"],
  http: "POST /conversations",
  mcp: {},
  limit: "write",
  once: true,
});

/** Lists conversations. */
export const conversationList = call({
  id: "conversation_list",
  summary: "List conversations",
  access: "user",
  input: z.strictObject({ ...PageInput, user_id: UserId.optional(), agent_id: AgentId.optional() }),
  output: pageOf(Conversation),
  errors: [],
  http: "GET /conversations",
  limit: "read",
});

/** Lists a user's conversations. */
export const userConversationList = call({
  id: "user_conversation_list",
  summary: "List the conversations of a user",
  access: "user",
  input: z.strictObject({ ...PageInput, user_id: UserId }),
  output: pageOf(Conversation),
  errors: [],
  http: "GET /users/{user_id}/conversations",
  limit: "read",
});

/** Shows a conversation, or a user's conversations. */
export const conversationGet = call({
  id: "conversation_get",
  summary: "Get a conversation with its messages, or, by a user's id, that user's conversations",
  access: "user",
  input: z.strictObject({
    conversation_id: z.union([ConversationId, UserId]).describe("`conv_…`, or a user's id"),
    user_id: UserId.optional(),
    ...PageInput,
  }),
  output: z.union([Conversation, pageOf(Conversation)]),
  errors: NOT_FOUND,
  http: "GET /conversations/{conversation_id}",
  mcp: { read_only: true },
  limit: "read",
});

/** Changes a conversation. */
export const conversationUpdate = call({
  id: "conversation_update",
  summary: "Change a conversation's title or metadata",
  access: "user",
  input: z.strictObject({
    conversation_id: ConversationId,
    user_id: UserId.optional(),
    title: z.string().min(1).max(200).nullable().optional(),
    metadata: Metadata.optional(),
  }),
  output: Conversation,
  errors: NOT_FOUND,
  http: "PATCH /conversations/{conversation_id}",
  limit: "write",
});

/** Deletes a conversation. */
export const conversationDelete = call({
  id: "conversation_delete",
  summary: "Delete a conversation with its messages and runs; what runs is cancelled",
  access: "user",
  input: z.strictObject({ conversation_id: ConversationId, user_id: UserId.optional() }),
  output: z.null(),
  status: 204,
  errors: NOT_FOUND,
  http: "DELETE /conversations/{conversation_id}",
  limit: "write",
});

/** Stores a message. */
export const messageCreate = call({
  id: "message_create",
  summary: "Store a message; starts nothing",
  access: "user",
  input: z.strictObject({
    conversation_id: ConversationId,
    user_id: UserId.optional(),
    role: z.enum(["user", "system", "assistant"]).default("user"),
    content: z.string().min(1).max(MAX_CONTENT),
    attachments: z.array(Attachment).max(20).default([]),
    metadata: Metadata.default({}),
  }),
  output: Message,
  status: 201,
  errors: ["ConversationNotFoundError", "FileNotFoundError", "ConflictError", "GoneError"],
  http: "POST /conversations/{conversation_id}/messages",
  limit: "write",
  once: true,
});

/** Lists messages. */
export const messageList = call({
  id: "message_list",
  summary: "List the messages of a conversation",
  access: "user",
  input: z.strictObject({
    conversation_id: ConversationId,
    user_id: UserId.optional(),
    run_id: RunId.optional().describe("Only what this run answers and says"),
    ...PageInput,
    order: PageInput.order.unwrap().default("asc").describe("Oldest or newest first"),
  }),
  output: pageOf(Message),
  errors: NOT_FOUND,
  http: "GET /conversations/{conversation_id}/messages",
  limit: "read",
});

/** Every operation of this file. */
export const conversationOperations = [
  conversationCreate,
  conversationList,
  userConversationList,
  conversationGet,
  conversationUpdate,
  conversationDelete,
  messageCreate,
  messageList,
] as const;

/** Binds this file's operations. */
export function bindConversations(
  { conversations, agents, runs }: { conversations: Conversations; agents: Agents; runs: Runs },
): Bound[] {
  return [
    onCall(conversationCreate, async ({ user_id: _, ...given }, { principal, idempotency_key: key }) => {
      if (given.agent_id) await agents.get(principal.tenant_id, given.agent_id);
      return toConversation(await conversations.create(principal, given, { operation: "conversation_create", key }));
    }),
    onCall(conversationList, async ({ agent_id, ...page }, { principal }) => {
      const { data, next_cursor } = await conversations.list(principal, page, agent_id);
      return { data: data.map(toConversation), next_cursor };
    }),
    onCall(userConversationList, async (page, { principal }) => {
      const { data, next_cursor } = await conversations.list(principal, page);
      return { data: data.map(toConversation), next_cursor };
    }),
    onCall(conversationGet, async ({ conversation_id, user_id, ...page }, { principal }) => {
      if (!ConversationId.safeParse(conversation_id).success) {
        if (user_id !== undefined && user_id !== conversation_id) {
          throw new AppError("ForbiddenError", `Cannot act for user "${conversation_id}": the request names another`);
        }
        const { data, next_cursor } = await conversations.list(actingFor(principal, conversation_id), page);
        return { data: data.map(toConversation), next_cursor };
      }
      const row = await conversations.get(principal, conversation_id);
      const { data } = await conversations.messages(principal, conversation_id, { limit: 100, order: "desc" });
      return { ...toConversation(row), messages: data.reverse().map(toMessage) };
    }),
    onCall(conversationUpdate, async ({ conversation_id, user_id: _, ...change }, { principal }) => {
      return toConversation(await conversations.update(principal, conversation_id, change));
    }),
    onCall(conversationDelete, async ({ conversation_id }, { principal }) => {
      const { id } = await conversations.get(principal, conversation_id);
      await runs.deleteConversation(id);
      return null;
    }),
    onCall(messageCreate, async ({ conversation_id, user_id: _, ...given }, { principal, idempotency_key: key }) => {
      const once = { operation: "message_create", key };
      return toMessage(await conversations.addMessage(principal, conversation_id, given, once));
    }),
    onCall(messageList, async ({ conversation_id, run_id, ...page }, { principal }) => {
      const { data, next_cursor } = await conversations.messages(principal, conversation_id, page, run_id);
      return { data: data.map(toMessage), next_cursor };
    }),
  ];
}

function toConversation(row: ConversationRow): Conversation {
  const { id, user_id, agent_id, title, external_id, metadata, created_at, updated_at } = row;
  return { id, user_id, agent_id, title, external_id, metadata, created_at, updated_at };
}

function toMessage(row: MessageRow): Message {
  const { id, conversation_id, run_id, role, content, attachments, tool_calls, tool_call_id, citations } = row;
  const { metadata, created_at } = row;
  return {
    id,
    conversation_id,
    run_id,
    role,
    content,
    attachments,
    tool_calls,
    tool_call_id,
    citations,
    metadata,
    created_at,
  };
}
