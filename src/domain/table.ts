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
import type { McpServerSource } from "./mcp_definition.ts";
import type { McpServer, McpServerType } from "./mcp_server.ts";
import type { Message, ToolRequest } from "./message.ts";
import type { Policy } from "./policy.ts";
import type { RtcLookRow } from "./rtc_look.ts";
import type { RtcRecordingRow } from "./rtc_recording.ts";
import type { RtcMemberRow, RtcRoomRow } from "./rtc_room.ts";
import type { RtcSession } from "./rtc_session.ts";
import type { ApprovalKind, PersonQuestion, ResponseFormat, Run, Step, ToolCall } from "./run.ts";

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

/** A tool call as stored. One that somebody made directly has no run and no step. */
export interface ToolCallRow extends Owner, Omit<ToolCall, "run_id" | "step_id"> {
  run_id: string | null;
  step_id: string | null;
  /** Whether repeating it is harmless, so that it may be repeated after a crash. */
  idempotent: boolean;
  duration_ms: number | null;
}

/** A tool call that a run makes. */
export interface StepCallRow extends ToolCallRow {
  run_id: string;
  step_id: string;
}

/** Whether a run makes the call, or did. */
export function isOfStep(call: ToolCallRow): call is StepCallRow {
  return call.run_id !== null && call.step_id !== null;
}

/** A decision that a person has to make. */
export interface ApprovalRow extends Owner {
  /** The tool call's id. */
  id: string;
  run_id: string;
  kind: ApprovalKind;
  status: "pending" | "approved" | "denied" | "expired" | "withdrawn";
  reason: string;
  /** Which access may decide. */
  decider: "user" | "admin";
  decided_by: string | null;
  decided_at: string | null;
  expires_at: string;
  created_at: string;
  /** What a tool server asks in the middle of the call. */
  question: PersonQuestion | null;
  /** What a person answered to that. */
  answer: Record<string, unknown> | null;
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

/** One revision of a policy that was changed here, as opposed to the files it may come from. */
export interface PolicyRow extends Owner {
  id: string;
  revision: number;
  policy: Policy;
  created_at: string;
  /** When the next revision came; null for the one in force. */
  replaced_at: string | null;
}

/** A tool server as stored: one definition a name. */
export interface McpServerRow extends Owner {
  name: string;
  definition: McpServer;
  source: McpServerSource;
  /** What was agreed on the last time, so that it needn't be found out again. */
  era: string | null;
  type: McpServerType | null;
  created_at: string;
  updated_at: string;
}

/** What was allowed at a tool server, to all or to one user. */
export interface McpGrantRow {
  /** Of the server, and of the user where each signs in. */
  id: string;
  server: string;
  user_id: string | null;
  /** Names the sign-in that waits for its person. */
  state: string | null;
  /** Sealed. */
  secrets: string;
  updated_at: string;
}

/** A call as stored. */
export interface RtcSessionRow extends Owner, RtcSession {
  /** Which process holds it. */
  instance_id: string;
  /** The secret that it began with, if any. */
  secret_id: string | null;
}

/** A secret that opens calls, as stored. */
export interface RtcSecretRow extends Owner {
  id: string;
  /** SHA-256 of the secret. */
  digest: string;
  session: Record<string, unknown>;
  expires_at: string;
  created_at: string;
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
  mcp_servers: McpServerRow;
  mcp_grants: McpGrantRow;
  policies: PolicyRow;
  rtc_sessions: RtcSessionRow;
  rtc_recordings: RtcRecordingRow;
  rtc_looks: RtcLookRow;
  rtc_secrets: RtcSecretRow;
  rtc_rooms: RtcRoomRow;
  rtc_members: RtcMemberRow;
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
  approvals: { key: ["id"], json: ["question", "answer"], flags: [] },
  model_calls: { key: ["id"], json: ["error"], flags: [] },
  events: { key: ["run_id", "seq"], json: [], flags: [] },
  idempotency: { key: ["id"], json: [], flags: [] },
  users: { key: ["id"], json: ["context"], flags: [] },
  files: { key: ["id"], json: [], flags: [] },
  audit: { key: ["id"], json: ["details"], flags: [] },
  mcp_servers: { key: ["name"], json: ["definition"], flags: [] },
  mcp_grants: { key: ["id"], json: [], flags: [] },
  policies: { key: ["id", "revision"], json: ["policy"], flags: [] },
  rtc_secrets: { key: ["id"], json: ["session"], flags: [] },
  rtc_rooms: { key: ["id"], json: ["agents"], flags: [] },
  rtc_members: { key: ["id"], json: [], flags: [] },
  rtc_sessions: { key: ["id"], json: ["modalities", "voice", "stats", "metadata"], flags: ["held"] },
  rtc_looks: { key: ["id"], json: [], flags: [] },
  rtc_recordings: { key: ["id"], json: ["tracks", "transcript"], flags: ["sealed"] },
};
