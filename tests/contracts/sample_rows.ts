/**
 * A row of every table, with and without what may be absent.
 *
 * @module
 */
import { AgentConfig } from "../../src/domain/agent.ts";
import { Policy } from "../../src/domain/policy.ts";
import type { Table, Tables } from "../../src/domain/table.ts";

const owner = { tenant_id: "default", key_id: "key_1", user_id: "anna" };
const time = "2026-11-20T10:00:00.000Z";
const later = "2026-11-20T10:00:01.500Z";
const usage = { input_tokens: 12, output_tokens: 3, total_tokens: 15, cost: 0.25 };
const error = { error: "UpstreamError", message: `It said "no"`, details: { status: 503 } } as const;
const call = { tool_call_id: "tc_1", tool: "files__read", arguments: { path: "/ü", deep: [1, { x: null }] } };
const metadata = { title: "Grüße 👋", "a.b": [true, false, null], nested: { n: 1.5, nul: "a\0b" } };

const config = AgentConfig.parse({
  name: "Scout",
  system_prompt: "Say 'hi'; -- \"quoted\"\n\tand more",
  model: { provider: "openai", temperature: 0.5 },
  mcp_servers: [{ name: "files", type: "command_line", command: "npx files" }],
});

/** Everything present. */
export const FULL_ROWS: { readonly [T in Table]: Tables[T] } = {
  agents: {
    id: "scout",
    ...owner,
    revision: 3,
    config,
    source_hash: "abc",
    created_at: time,
    updated_at: later,
    deleted_at: later,
  },
  agent_revisions: { id: "rev_1", ...owner, agent_id: "scout", revision: 2, config, created_at: time },
  conversations: {
    id: "conv_1",
    ...owner,
    agent_id: "scout",
    title: "Ünïcödé",
    external_id: "chat 'one'",
    metadata,
    turns: 4,
    ephemeral: true,
    created_at: time,
    updated_at: later,
  },
  messages: {
    id: "msg_1",
    ...owner,
    conversation_id: "conv_1",
    run_id: "run_1",
    turn: 1,
    role: "assistant",
    content: "Line one\nline 'two' \u{1f600} ?1 $x :y",
    attachments: [{ file_id: "file_1" }],
    tool_calls: [call],
    tool_call_id: "tc_1",
    citations: [{ title: "A page", url: "https://example.com/?a='b'", start_index: 0, end_index: 4 }],
    metadata,
    created_at: time,
  },
  runs: {
    id: "run_1",
    ...owner,
    conversation_id: "conv_1",
    turn: 1,
    agent_id: "scout",
    agent_revision: 2,
    status: "failed",
    waiting_for: "approval",
    multitask: "interrupt",
    on_disconnect: "cancel",
    response_format: { type: "json_schema", name: "answer", schema: { type: "object" } },
    metadata,
    options: { instructions: "Be 'brief'", temperature: 0.5, stop: ["\n"] },
    usage,
    error,
    epoch: 7,
    instance_id: "instance_1",
    lease_until: 1_795_000_000_123,
    cancel_requested_at: later,
    cancel_reason: "asked",
    pruned_seq: 9,
    created_at: time,
    started_at: time,
    ended_at: later,
  },
  steps: {
    id: "step_1",
    ...owner,
    run_id: "run_1",
    position: 2,
    kind: "model",
    status: "completed",
    attempt: 1,
    model: "openai/gpt",
    usage,
    error,
    output: { text: "Hello", tool_calls: [call] },
    started_at: time,
    ended_at: later,
  },
  tool_calls: {
    id: "tc_1",
    ...owner,
    run_id: "run_1",
    step_id: "step_1",
    tool: "files__read",
    arguments: call.arguments,
    status: "completed",
    result: ["text", 1, { deep: true }],
    error,
    attempt: 2,
    idempotent: true,
    duration_ms: 12.25,
    created_at: time,
    started_at: time,
    ended_at: later,
  },
  approvals: {
    id: "tc_1",
    ...owner,
    run_id: "run_1",
    kind: "approval",
    status: "approved",
    reason: "The policy says ask",
    decider: "admin",
    decided_by: "key_2",
    decided_at: later,
    expires_at: later,
    created_at: time,
    question: { message: "Which folder?", schema: { type: "object" } },
    answer: { folder: "/tmp" },
  },
  model_calls: {
    id: "mc_1",
    ...owner,
    run_id: "run_1",
    step_id: "step_1",
    agent_id: "scout",
    provider: "openai",
    model: "gpt",
    input_tokens: 12,
    output_tokens: 3,
    reasoning_tokens: 1,
    cached_input_tokens: 2,
    cost: 0.000_012_5,
    outcome: "failed",
    error,
    started_at: time,
    duration_ms: 801.5,
  },
  events: { run_id: "run_1", seq: 1, v: 1, type: "model.delta", data: '{"step_id":"step_1","text":"Hi ü\\u0000"}' },
  idempotency: {
    id: "idem_1",
    ...owner,
    operation: "run_create",
    body_hash: "ff",
    resource: "run_1",
    created_at: time,
  },
  users: {
    id: "default:anna",
    ...owner,
    context: { likes: ["tea"], age: 33 },
    created_at: time,
    updated_at: later,
    last_seen_at: later,
  },
  files: {
    id: "file_1",
    ...owner,
    name: "a b'c.png",
    media_type: "image/png",
    size: 5_000_000_000,
    sha256: "00",
    conversation_id: "conv_1",
    created_at: time,
  },
  audit: {
    id: "aud_1",
    ...owner,
    time,
    action: "run_create",
    outcome: "refused",
    error: "ForbiddenError",
    address: "::1",
    request_id: "req_1",
    details: { limit: 3 },
  },
  mcp_servers: {
    name: "files",
    ...owner,
    definition: config.mcp_servers[0]!,
    source: "api",
    era: "2026-07-28",
    type: "command_line",
    created_at: time,
    updated_at: later,
  },
  mcp_grants: { id: "files/anna", server: "files", user_id: "anna", state: "s_1", secrets: "a.b", updated_at: time },
  policies: {
    id: "files",
    ...owner,
    revision: 2,
    policy: Policy.parse({ servers: ["files"], tools: { "write*": { decision: "ask" } } }),
    created_at: time,
    replaced_at: later,
  },
};

/** What may be absent, absent. */
export const SPARSE_ROWS: { readonly [T in Table]: Tables[T] } = {
  agents: { ...FULL_ROWS.agents, user_id: null, source_hash: null, deleted_at: null },
  agent_revisions: { ...FULL_ROWS.agent_revisions, user_id: null },
  conversations: { ...FULL_ROWS.conversations, user_id: null, agent_id: null, title: null, metadata: {} },
  messages: {
    ...FULL_ROWS.messages,
    user_id: null,
    run_id: null,
    turn: null,
    content: "",
    attachments: [],
    tool_calls: null,
    tool_call_id: null,
  },
  runs: {
    ...FULL_ROWS.runs,
    user_id: null,
    waiting_for: null,
    response_format: null,
    error: null,
    instance_id: null,
    lease_until: 0,
    cancel_requested_at: null,
    cancel_reason: null,
    started_at: null,
    ended_at: null,
  },
  steps: { ...FULL_ROWS.steps, user_id: null, model: null, usage: null, error: null, output: null, ended_at: null },
  tool_calls: {
    ...FULL_ROWS.tool_calls,
    user_id: null,
    run_id: null,
    step_id: null,
    arguments: {},
    result: null,
    error: null,
    idempotent: false,
    duration_ms: null,
    started_at: null,
    ended_at: null,
  },
  approvals: {
    ...FULL_ROWS.approvals,
    user_id: null,
    decided_by: null,
    decided_at: null,
    question: null,
    answer: null,
  },
  model_calls: {
    ...FULL_ROWS.model_calls,
    user_id: null,
    run_id: null,
    step_id: null,
    agent_id: null,
    cost: null,
    error: null,
    reasoning_tokens: 0,
  },
  events: { ...FULL_ROWS.events, data: "{}" },
  idempotency: { ...FULL_ROWS.idempotency, user_id: null },
  users: { ...FULL_ROWS.users, context: null },
  files: { ...FULL_ROWS.files, user_id: null, size: 0 },
  audit: { ...FULL_ROWS.audit, user_id: null, error: null, details: {} },
  mcp_servers: { ...FULL_ROWS.mcp_servers, user_id: null, era: null, type: null },
  mcp_grants: { ...FULL_ROWS.mcp_grants, user_id: null, state: null },
  policies: { ...FULL_ROWS.policies, user_id: null, replaced_at: null },
};

/** An event of `run_id`. */
export function event(run_id: string, seq: number): Tables["events"] {
  return { ...FULL_ROWS.events, run_id, seq };
}

/** A run with some columns as said. */
export function run(id: string, set: Partial<Tables["runs"]> = {}): Tables["runs"] {
  return { ...SPARSE_ROWS.runs, id, ...set };
}

/** A call of a model with some columns as said. */
export function modelCall(id: string, set: Partial<Tables["model_calls"]>): Tables["model_calls"] {
  return { ...SPARSE_ROWS.model_calls, id, ...set };
}
