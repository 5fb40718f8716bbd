/**
 * The columns of every table as SQL types: the only names that get into a
 * statement. The compiler keeps this page equal to the row types, a test keeps
 * it equal to what the migrations make.
 *
 * @module
 */
import { type Column, type Table, TABLES } from "../../domain/table.ts";

/** How a column is kept. */
export type ColumnType = "TEXT" | "INTEGER" | "REAL";
/** How a value gets into a column and out again. */
export type Codec = "plain" | "json" | "flag";

const OWNER = { tenant_id: "TEXT", key_id: "TEXT", user_id: "TEXT" } as const;

/** The columns of each table, in the order rows are written. */
export const COLUMNS: { readonly [T in Table]: Readonly<Record<Column<T>, ColumnType>> } = {
  agents: {
    id: "TEXT",
    ...OWNER,
    revision: "INTEGER",
    config: "TEXT",
    source_hash: "TEXT",
    created_at: "TEXT",
    updated_at: "TEXT",
    deleted_at: "TEXT",
  },
  agent_revisions: {
    id: "TEXT",
    ...OWNER,
    agent_id: "TEXT",
    revision: "INTEGER",
    config: "TEXT",
    created_at: "TEXT",
  },
  conversations: {
    id: "TEXT",
    ...OWNER,
    agent_id: "TEXT",
    title: "TEXT",
    external_id: "TEXT",
    metadata: "TEXT",
    turns: "INTEGER",
    ephemeral: "INTEGER",
    created_at: "TEXT",
    updated_at: "TEXT",
  },
  messages: {
    id: "TEXT",
    ...OWNER,
    conversation_id: "TEXT",
    run_id: "TEXT",
    turn: "INTEGER",
    role: "TEXT",
    content: "TEXT",
    attachments: "TEXT",
    tool_calls: "TEXT",
    tool_call_id: "TEXT",
    citations: "TEXT",
    metadata: "TEXT",
    created_at: "TEXT",
  },
  runs: {
    id: "TEXT",
    ...OWNER,
    conversation_id: "TEXT",
    turn: "INTEGER",
    agent_id: "TEXT",
    agent_revision: "INTEGER",
    status: "TEXT",
    waiting_for: "TEXT",
    multitask: "TEXT",
    on_disconnect: "TEXT",
    response_format: "TEXT",
    metadata: "TEXT",
    options: "TEXT",
    usage: "TEXT",
    error: "TEXT",
    epoch: "INTEGER",
    instance_id: "TEXT",
    lease_until: "INTEGER",
    cancel_requested_at: "TEXT",
    cancel_reason: "TEXT",
    pruned_seq: "INTEGER",
    created_at: "TEXT",
    started_at: "TEXT",
    ended_at: "TEXT",
  },
  steps: {
    id: "TEXT",
    ...OWNER,
    run_id: "TEXT",
    position: "INTEGER",
    kind: "TEXT",
    status: "TEXT",
    attempt: "INTEGER",
    model: "TEXT",
    usage: "TEXT",
    error: "TEXT",
    output: "TEXT",
    started_at: "TEXT",
    ended_at: "TEXT",
  },
  tool_calls: {
    id: "TEXT",
    ...OWNER,
    run_id: "TEXT",
    step_id: "TEXT",
    tool: "TEXT",
    arguments: "TEXT",
    status: "TEXT",
    result: "TEXT",
    error: "TEXT",
    attempt: "INTEGER",
    idempotent: "INTEGER",
    duration_ms: "REAL",
    created_at: "TEXT",
    started_at: "TEXT",
    ended_at: "TEXT",
  },
  approvals: {
    id: "TEXT",
    ...OWNER,
    run_id: "TEXT",
    kind: "TEXT",
    status: "TEXT",
    reason: "TEXT",
    decider: "TEXT",
    decided_by: "TEXT",
    decided_at: "TEXT",
    expires_at: "TEXT",
    created_at: "TEXT",
    question: "TEXT",
    answer: "TEXT",
  },
  model_calls: {
    id: "TEXT",
    ...OWNER,
    run_id: "TEXT",
    step_id: "TEXT",
    agent_id: "TEXT",
    provider: "TEXT",
    model: "TEXT",
    input_tokens: "INTEGER",
    output_tokens: "INTEGER",
    reasoning_tokens: "INTEGER",
    cached_input_tokens: "INTEGER",
    cost: "REAL",
    outcome: "TEXT",
    error: "TEXT",
    started_at: "TEXT",
    duration_ms: "REAL",
  },
  events: { run_id: "TEXT", seq: "INTEGER", v: "INTEGER", type: "TEXT", data: "TEXT" },
  idempotency: {
    id: "TEXT",
    ...OWNER,
    operation: "TEXT",
    body_hash: "TEXT",
    resource: "TEXT",
    created_at: "TEXT",
  },
  users: {
    id: "TEXT",
    ...OWNER,
    context: "TEXT",
    created_at: "TEXT",
    updated_at: "TEXT",
    last_seen_at: "TEXT",
  },
  files: {
    id: "TEXT",
    ...OWNER,
    name: "TEXT",
    media_type: "TEXT",
    size: "INTEGER",
    sha256: "TEXT",
    conversation_id: "TEXT",
    created_at: "TEXT",
  },
  audit: {
    id: "TEXT",
    ...OWNER,
    time: "TEXT",
    action: "TEXT",
    outcome: "TEXT",
    error: "TEXT",
    address: "TEXT",
    request_id: "TEXT",
    details: "TEXT",
  },
  policies: {
    id: "TEXT",
    ...OWNER,
    revision: "INTEGER",
    policy: "TEXT",
    created_at: "TEXT",
    replaced_at: "TEXT",
  },
  mcp_servers: {
    name: "TEXT",
    ...OWNER,
    definition: "TEXT",
    source: "TEXT",
    era: "TEXT",
    type: "TEXT",
    created_at: "TEXT",
    updated_at: "TEXT",
  },
  mcp_grants: {
    id: "TEXT",
    server: "TEXT",
    user_id: "TEXT",
    state: "TEXT",
    secrets: "TEXT",
    updated_at: "TEXT",
  },
  rtc_secrets: {
    id: "TEXT",
    ...OWNER,
    digest: "TEXT",
    session: "TEXT",
    expires_at: "TEXT",
    created_at: "TEXT",
  },
  rtc_sessions: {
    id: "TEXT",
    ...OWNER,
    agent_id: "TEXT",
    conversation_id: "TEXT",
    room_id: "TEXT",
    dialect: "TEXT",
    state: "TEXT",
    held: "INTEGER",
    modalities: "TEXT",
    voice: "TEXT",
    reason: "TEXT",
    stats: "TEXT",
    metadata: "TEXT",
    instance_id: "TEXT",
    created_at: "TEXT",
    connected_at: "TEXT",
    ended_at: "TEXT",
  },
};

/** Every table's name. */
export const TABLE_NAMES = Object.keys(COLUMNS) as Table[];

function codecsOf(table: Table): ReadonlyMap<string, Codec> {
  const { json, flags } = TABLES[table] as { json: readonly string[]; flags: readonly string[] };
  return new Map(
    Object.keys(COLUMNS[table]).map((column): [string, Codec] => {
      return [column, json.includes(column) ? "json" : flags.includes(column) ? "flag" : "plain"];
    }),
  );
}

/** The columns of each table with their codec. */
export const CODECS = Object.fromEntries(TABLE_NAMES.map((table) => [table, codecsOf(table)])) as {
  readonly [T in Table]: ReadonlyMap<string, Codec>;
};
