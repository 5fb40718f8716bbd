/**
 * Examples of what to send, made from schemas.
 *
 * @module
 */
import { refName, type Schema } from "./document.ts";

/** Values for names that a schema says too little about. A test holds them against the operations' own schemas. */
const BY_NAME: Readonly<Record<string, unknown>> = {
  agent_id: "assistant",
  conversation_id: "conv_01kad0f8ns",
  run_id: "run_01kad0f8p2",
  tool_call_id: "tool_01kad0f8rt",
  session_id: "rtc_01kad0f8vz",
  recording_id: "rec_01kad0f8wn",
  room_id: "room_01kad0f8w4",
  member_id: "member_01kad0f8wb",
  sdp: "v=0\r\n…",
  file_id: "file_01kad0f8tx",
  user_id: "alice",
  server_name: "clock",
  tool_name: "clock__get_current_time",
  prompt_name: "clock__plan_day",
  policy_id: "default",
  message: "What can you do?",
  messages: [{ role: "user", content: "What can you do?" }],
  content: "What can you do?",
  context: { language: "French" },
};

/** What to send where required fields alone would do nothing, or where their names mean something else. */
const BY_OPERATION: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  agent_import: { content: "agents:\n  - id: scout\n    name: Scout\n" },
  agent_create: { id: "scout", name: "Scout", system_prompt: "You find things." },
  agent_update: { description: "Finds things" },
  mcp_request: { method: "tools/list" },
  mcp_message: { jsonrpc: "2.0", id: 1, method: "ping" },
  mcp_server_add: { name: "clock", url: "http://127.0.0.1:9000/mcp" },
  conversation_create: { title: "First steps" },
  conversation_update: { title: "Second steps" },
  rtc_session_create: { agent_id: "assistant" },
  rtc_session_update: { held: true },
  rtc_offer: { agent_id: "assistant", sdp: "v=0\r\n…" },
  rtc_fragment: {
    session_id: "rtc_01kad0f8vz",
    local_ufrag: null,
    candidates: ["candidate:1 1 udp 2122260223 192.0.2.2 50000 typ host"],
  },
  rtc_room_create: { name: "Morning", agents: [{ agent_id: "assistant", name: "Nova" }] },
  rtc_room_join: { name: "Ana" },
  rtc_room_signal: { session_id: "rtc_01kad0f8vz", signal: { type: "candidate", candidate: null } },
  rtc_secret_create: { session: { type: "realtime", model: "assistant" }, expires_seconds: 600 },
  rtc_ice_candidate: {
    session_id: "rtc_01kad0f8vz",
    candidate: "candidate:1 1 udp 2122260223 192.0.2.1 50000 typ host",
    sdp_mid: "0",
  },
};

/** Makes examples with the schemas that `$ref` may name. */
export class Examples {
  #schemas: Record<string, Schema>;

  constructor(schemas: Record<string, Schema>) {
    this.#schemas = schemas;
  }

  /** What to send to the operation `id`: its required fields, or what makes a change. */
  body(id: string, schema: Schema): Record<string, unknown> {
    return BY_OPERATION[id] ?? this.#object(schema);
  }

  /** A value of one field. */
  field(name: string, schema: Schema): unknown {
    const ref = refName(schema);
    if (ref !== undefined) return this.field(name, this.#schemas[ref] ?? {});
    if (schema.const !== undefined) return schema.const;
    if (schema.enum) return schema.enum[0];
    const any = schema.anyOf ?? schema.oneOf;
    if (any) return this.field(name, any[0] ?? {});
    if (name in BY_NAME) return BY_NAME[name];
    if (schema.type === "object") return this.#object(schema);
    if (schema.type === "array") return [this.field(name, schema.items ?? {})];
    if (schema.type === "number" || schema.type === "integer") return Math.max(schema.minimum ?? 1, 1);
    return schema.type === "boolean" ? true : "…";
  }

  #object({ properties = {}, required = [] }: Schema): Record<string, unknown> {
    return Object.fromEntries(required.map((name) => [name, this.field(name, properties[name] ?? {})]));
  }
}
