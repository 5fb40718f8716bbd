/**
 * What is stored: one row type a table, and which columns hold more than text
 * and numbers. Every store is made from this page, so that they can't differ.
 *
 * @module
 */
import type { Owner } from "./access.ts";
import type { AgentRevisionRow, AgentRow } from "./agent.ts";
import type { Conversation } from "./conversation.ts";
import type { ErrorBody } from "./error.ts";
import type { RunEvent } from "./event.ts";
import type { File } from "./file.ts";
import type { Message, ToolRequest } from "./message.ts";
import type { ResponseFormat, Run, Step, ToolCall } from "./run.ts";

/** A conversation as stored. `turns` counts its runs and guards who may start one. */
export interface ConversationRow extends Owner, Omit<Conversation, "messages"> {
  turns: number;
  /** Made for one answer: in no list, and soon removed. */
  ephemeral: boolean;
}

/** A message as stored. `turn`, then `id`, give its place. */
export interface MessageRow extends Owner, Message {
  /** Which run of the conversation it belongs to; null until one takes it. */
  turn: number | null;
}

/** A run as stored. */
export interface RunRow extends Owner, Run {
  turn: number;
  response_format: ResponseFormat | null;
  /** Rises with every owner; each write of an owner checks it. */
  epoch: number;
  /** Which process runs it. */
  instance_id: string | null;
  lease_until: number;
  cancel_reason: string | null;
  /** Deltas up to this `seq` were removed by retention. */
  pruned_seq: number;
}

/** A step as stored. `output` is what a finished model step said. */
export interface StepRow extends Owner, Omit<Step, "tool_calls"> {
  output: { text: string; tool_calls: ToolRequest[] } | null;
}

/** A tool call as stored, its approval with it. */
export interface ToolCallRow extends Owner, ToolCall {
  /** Whether repeating it is harmless, so that it may be repeated after a crash. */
  idempotent: boolean;
  duration_ms: number | null;
}

/** A decision that a person has to make. */
export interface ApprovalRow extends Owner {
  /** The tool call's id. */
  id: string;
  run_id: string;
  kind: "approval" | "tool_outcome_unknown";
  status: "pending" | "approved" | "denied" | "expired" | "withdrawn";
  reason: string;
  /** Which access may decide. */
  decider: "user" | "admin";
  decided_by: string | null;
  decided_at: string | null;
  expires_at: string;
  created_at: string;
}

/** A call of a model: every one, also those that failed or were cancelled. */
export interface ModelCallRow extends Owner {
  id: string;
  run_id: string | null;
  step_id: string | null;
  agent_id: string | null;
  provider: string;
  model: string;
  input_tokens: number;
  output_tokens: number;
  reasoning_tokens: number;
  cached_input_tokens: number;
  /** US dollars; null when the price isn't known. */
  cost: number | null;
  outcome: "completed" | "failed" | "cancelled";
  error: ErrorBody | null;
  started_at: string;
  duration_ms: number;
}

/** A request that was answered once and is answered the same way again. */
export interface IdempotencyRow extends Owner {
  /** Of owner, operation and the caller's key. */
  id: string;
  operation: string;
  body_hash: string;
  /** The id of what was created. */
  resource: string;
  created_at: string;
}

/** A user's context as stored; the row is the user. */
export interface UserRow extends Owner {
  /** `tenant_id` and `user_id` together. */
  id: string;
  user_id: string;
  context: Record<string, unknown> | null;
  created_at: string;
  updated_at: string;
  last_seen_at: string;
}

/** A refusal, or an act of administration. */
export interface AuditRow extends Owner {
  id: string;
  time: string;
  action: string;
  outcome: "allowed" | "refused";
  /** The error's class for a refusal. */
  error: string | null;
  address: string;
  request_id: string;
  details: Record<string, unknown>;
}

/** A file as stored. */
export interface FileRow extends Owner, File {
  /** The conversation it came with, and goes with; null for one that was stored by itself. */
  conversation_id: string | null;
}

/** The row of each table. */
export interface Tables {
  agents: AgentRow;
  agent_revisions: AgentRevisionRow;
  conversations: ConversationRow;
  messages: MessageRow;
  runs: RunRow;
  steps: StepRow;
  tool_calls: ToolCallRow;
  approvals: ApprovalRow;
  model_calls: ModelCallRow;
  events: RunEvent & { v: number };
  idempotency: IdempotencyRow;
  users: UserRow;
  files: FileRow;
  audit: AuditRow;
}
/** The name of a table. */
export type Table = keyof Tables;
/** A column of `T`. */
export type Column<T extends Table> = keyof Tables[T] & string;

/** What a store has to know of a table beyond its columns' names. */
export interface TableShape<T extends Table> {
  key: readonly Column<T>[];
  /** Columns kept as JSON text. */
  json: readonly Column<T>[];
  /** Columns kept as 0 or 1. */
  flags: readonly Column<T>[];
}

/** The shape of each table. */
export const TABLES: { readonly [T in Table]: TableShape<T> } = {
  agents: { key: ["tenant_id", "id"], json: ["config"], flags: [] },
  agent_revisions: { key: ["id"], json: ["config"], flags: [] },
  conversations: { key: ["id"], json: ["metadata"], flags: ["ephemeral"] },
  messages: { key: ["id"], json: ["attachments", "tool_calls", "citations", "metadata"], flags: [] },
  runs: { key: ["id"], json: ["metadata", "options", "usage", "error", "response_format"], flags: [] },
  steps: { key: ["id"], json: ["usage", "error", "output"], flags: [] },
  tool_calls: { key: ["id"], json: ["arguments", "result", "error"], flags: ["idempotent"] },
  approvals: { key: ["id"], json: [], flags: [] },
  model_calls: { key: ["id"], json: ["error"], flags: [] },
  events: { key: ["run_id", "seq"], json: [], flags: [] },
  idempotency: { key: ["id"], json: [], flags: [] },
  users: { key: ["id"], json: ["context"], flags: [] },
  files: { key: ["id"], json: [], flags: [] },
  audit: { key: ["id"], json: ["details"], flags: [] },
};
