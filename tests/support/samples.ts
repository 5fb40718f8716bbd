/**
 * A valid input of every operation, and how an input becomes a request.
 *
 * @module
 */
import type { Operation } from "../../src/operations/operation.ts";
import type { Things } from "./world.ts";
import { sampleOffer, VOICE } from "./whip_offer.ts";

/** A valid input, and whether it names something of Bob's. */
export interface Sample {
  input: Record<string, unknown>;
  /** `bobs`: strangers must not find it. `own`: everybody may, for themselves. */
  about: "bobs" | "own";
}

const bobs = (input: Record<string, unknown>): Sample => ({ about: "bobs", input });
const own = (input: Record<string, unknown> = {}): Sample => ({ about: "own", input });
let count = 0;

/** By operation id. A test proves that none is missing. */
export const SAMPLES: Readonly<Record<string, (things: Things) => Sample>> = {
  chat_send: ({ conversation_id }) => bobs({ message: "Hello", conversation_id }),
  chat_stream: ({ conversation_id }) => bobs({ message: "Hello", conversation_id }),
  agent_chat_send: ({ conversation_id }) => bobs({ agent_id: "assistant", message: "Hello", conversation_id }),
  agent_chat_stream: ({ conversation_id }) => bobs({ agent_id: "assistant", message: "Hello", conversation_id }),
  agent_respond: ({ conversation_id }) =>
    bobs({ agent_id: "assistant", messages: [{ role: "user", content: "Hello" }], conversation: conversation_id }),
  model_complete: ({ file_id }) =>
    bobs({
      agent_id: "assistant",
      messages: [{ role: "user", content: "Hello", attachments: [{ file_id }] }],
    }),
  conversation_create: () => own({ title: "Mine", agent_id: "assistant" }),
  conversation_list: () => own({ limit: 100 }),
  user_conversation_list: () => own({ limit: 100, user_id: "bob" }),
  conversation_get: ({ conversation_id }) => bobs({ conversation_id }),
  conversation_update: ({ conversation_id }) => bobs({ conversation_id, title: "Renamed" }),
  conversation_delete: ({ conversation_id }) => bobs({ conversation_id }),
  message_create: ({ conversation_id }) => bobs({ conversation_id, content: "Hello" }),
  message_list: ({ conversation_id }) => bobs({ conversation_id }),
  run_create: ({ conversation_id }) => bobs({ conversation_id, agent_id: "assistant" }),
  run_list: ({ conversation_id }) => own({ conversation_id, limit: 100 }),
  run_get: ({ run_id }) => bobs({ run_id }),
  run_steps: ({ run_id }) => bobs({ run_id }),
  run_events: ({ run_id }) => bobs({ run_id }),
  run_cancel: ({ waiting_run_id }) => bobs({ run_id: waiting_run_id }),
  run_delete: ({ run_id }) => bobs({ run_id }),
  tool_call_decide: ({ waiting_run_id, tool_call_id }) =>
    bobs({ run_id: waiting_run_id, tool_call_id, decision: "deny" }),
  rtc_session_create: () => own({ agent_id: "assistant" }),
  rtc_session_list: () => own({ limit: 100 }),
  rtc_session_get: ({ session_id }) => bobs({ session_id }),
  rtc_session_update: ({ session_id }) => bobs({ session_id, held: true }),
  rtc_session_delete: ({ session_id }) => bobs({ session_id }),
  rtc_session_events: ({ session_id }) => bobs({ session_id }),
  rtc_session_attach: ({ session_id }) => bobs({ session_id }),
  rtc_offer: ({ session_id }) => bobs({ session_id, request: true }),
  rtc_answer: ({ session_id }) => bobs({ session_id, type: "answer", sdp: "v=0" }),
  rtc_ice_candidate: ({ session_id }) => bobs({ session_id, candidates: [null] }),
  rtc_ice_servers: () => own(),
  rtc_fragment: ({ session_id }) => bobs({ session_id, local_ufrag: null, candidates: [] }),
  rtc_channel_attach: ({ session_id }) => bobs({ session_id, label: "oai-events" }),
  rtc_viewer_create: ({ session_id }) => bobs({ session_id, sdp: sampleOffer([{ ...VOICE, direction: "recvonly" }]) }),
  rtc_room_viewer_create: ({ room_id }) => bobs({ room_id, sdp: sampleOffer([{ ...VOICE, direction: "recvonly" }]) }),
  rtc_converse: () => own({ agent_id: "assistant" }),
  rtc_recording_start: ({ session_id }) => bobs({ session_id }),
  rtc_recording_stop: ({ recorded_session_id }) => bobs({ session_id: recorded_session_id }),
  rtc_recording_get: ({ recorded_session_id }) => bobs({ session_id: recorded_session_id }),
  rtc_room_recording_start: ({ room_id }) => bobs({ room_id }),
  rtc_room_recording_stop: ({ recorded_room_id }) => bobs({ room_id: recorded_room_id }),
  rtc_recording_list: ({ recorded_session_id }) => own({ session_id: recorded_session_id, limit: 100 }),
  rtc_recording_download: ({ recording_id }) => bobs({ recording_id }),
  rtc_recording_transcript: ({ recording_id }) => bobs({ recording_id }),
  rtc_recording_delete: ({ recording_id }) => bobs({ recording_id }),
  rtc_look_list: ({ session_id }) => bobs({ session_id }),
  rtc_room_create: () => own({ name: "Mine" }),
  rtc_room_list: () => own({ limit: 100 }),
  rtc_room_get: ({ room_id }) => bobs({ room_id }),
  rtc_room_delete: ({ room_id }) => bobs({ room_id }),
  rtc_room_join: ({ room_id }) => bobs({ room_id, name: "Somebody" }),
  rtc_room_leave: ({ room_id, member_id }) => bobs({ room_id, member_id }),
  rtc_room_signal: ({ room_id, member_id, member_session_id }) =>
    bobs({ room_id, member_id, session_id: member_session_id, signal: { type: "candidate", candidate: null } }),
  rtc_secret_create: () => own({ session: { type: "realtime" }, expires_seconds: 60 }),
  rtc_secret_session: () => own(),
  approval_list: () => own({ limit: 100 }),
  agent_list: () => own({ limit: 100 }),
  agent_get: ({ agent_id }) => own({ agent_id }),
  agent_create: () => own({ id: `made-${++count}`, name: "Made" }),
  agent_update: ({ agent_id }) => own({ agent_id, name: "Renamed" }),
  agent_delete: ({ agent_id }) => own({ agent_id }),
  mcp_server_list: ({ agent_id }) => own({ agent_id }),
  mcp_server_add: ({ agent_id }) => own({ agent_id, name: `made-${++count}`, url: "https://made.test/mcp" }),
  mcp_server_get: ({ agent_id }) => own({ agent_id, server_name: "hidden" }),
  mcp_server_update: ({ agent_id }) => own({ agent_id, server_name: "hidden", headers: {} }),
  mcp_server_remove: ({ agent_id }) => own({ agent_id, server_name: "hidden" }),
  mcp_server_restart: ({ agent_id }) => own({ agent_id, server_name: "hidden" }),
  mcp_server_learn: ({ agent_id }) => own({ agent_id, server_name: "program" }),
  mcp_server_sign_in_begin: () => own({ state: "unknown" }),
  mcp_server_sign_in: () => own({ state: "unknown", code: "guessed" }),
  mcp_client_get: () => own(),
  agent_import: () => own({ content: '{"id":"imported","name":"Imported"}', format: "json", dry_run: true }),
  tool_list: () => own({ limit: 100 }),
  catalog_watch: () => own({ follow: false }),
  tool_get: () => own({ tool_name: "look" }),
  tool_invoke: () => own({ tool_name: "look", arguments: {} }),
  tool_call: () => own({ tool_name: "look", arguments: {} }),
  tool_call_answer: () => own({ tool_call_id: "tool_gone", question_id: "question_gone", action: "cancel" }),
  resource_list: () => own({ limit: 100 }),
  resource_read: () => own({ uri: "library://news" }),
  resource_complete: () => own({ uri: "library://{id}", server: "library", argument: "id" }),
  resource_watch: () => own({ uri: "library://news", follow: false }),
  prompt_list: () => own({ limit: 100 }),
  prompt_get: () => own({ prompt_name: "library__greet" }),
  prompt_complete: () => own({ prompt_name: "library__greet", argument: "who" }),
  policy_list: () => own({ limit: 100 }),
  policy_get: () => own({ policy_id: "default" }),
  policy_update: () => own({ policy_id: `made-${++count}`, create: true, servers: ["nobody"] }),
  policy_delete: () => own({ policy_id: "spare" }),
  mcp_tools: () => own(),
  mcp_request: ({ conversation_id }) =>
    bobs({ method: "resources/read", params: { uri: `muxi://conversations/${conversation_id}` } }),
  file_create: () => own({ name: "mine.txt", bytes: "mine" }),
  file_download: ({ file_id }) => bobs({ file_id }),
  file_get: ({ file_id }) => bobs({ file_id }),
  file_delete: ({ file_id }) => bobs({ file_id }),
  user_list: () => own(),
  user_context_set: () => own({ user_id: "bob", context: { colour: "blue" } }),
  user_context_get: () => own({ user_id: "bob" }),
  user_context_update: () => own({ user_id: "bob", context: { colour: "red" } }),
  user_context_delete: () => own({ user_id: "bob" }),
  health_live: () => own(),
  health_ready: () => own(),
  system_status: () => own(),
  system_usage: () => own({ by: "user" }),
  config_get: () => own(),
  config_reload: () => own(),
  ticket_create: () => own(),
};

/** A request, ready to be fetched. */
export interface PlainRequest {
  method: string;
  path: string;
  headers: Record<string, string>;
  body?: string;
}

/** How `input` is sent to `op`: fields of the path there, the rest in the query or as JSON. */
export function toRequest(op: Operation, input: Record<string, unknown>): PlainRequest {
  const [method, line] = op.http.split(" ") as [string, string];
  const rest = { ...input };
  let path = line.replace("^", "").replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = encodeURIComponent(String(rest[name]));
    delete rest[name];
    return value;
  });
  const bytes = op.upload === undefined ? undefined : String(rest[op.upload]);
  if (op.upload !== undefined) delete rest[op.upload];
  const inBody = !["GET", "DELETE"].includes(method) && bytes === undefined;
  if (!inBody && Object.keys(rest).length > 0) {
    path += `?${new URLSearchParams(Object.entries(rest).map(([name, value]) => [name, String(value)]))}`;
  }
  const body = inBody ? JSON.stringify(rest) : bytes;
  return {
    method,
    path: `/api/v1${path}`,
    headers: { "content-type": inBody ? "application/json" : "text/plain" },
    ...body !== undefined && { body },
  };
}

/** The same input about something that was never there. */
export function toAbsent(input: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(input).map(([name, value]) => {
      return [
        name,
        typeof value === "string"
          ? value.replace(/^(conv|run|file|tool|rtc|rec|room|member)_.*$/, "$1_0nowhere0")
          : value,
      ];
    }),
  );
}
