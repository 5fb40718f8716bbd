/**
 * What clients of OpenAI's Realtime API ask over HTTP and beside a call.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { good } from "../support/calls.ts";
import { startProvider } from "../support/provider.ts";
import { RealtimeSocket } from "../support/realtime_socket.ts";
import { ADMIN_KEY, startServer, type TestServer, USER_KEY } from "../support/server.ts";
import { sampleOffer, VOICE } from "../support/whip_offer.ts";

const CALLS = "^/v1/realtime/calls";
const SDP = { "content-type": "application/sdp" };

// deno-lint-ignore no-explicit-any -- tests look into answers of every shape
type Json = any;

const start = (settings: Record<string, unknown> = {}, provider?: string) =>
  startServer({
    ...provider !== undefined && { provider },
    settings: {
      rtc: { host: "127.0.0.1", port: 0 },
      speech: { stt: { engine: "none" }, tts: { engine: "none" } },
      ...settings,
    },
  });

/** Begins a call that never connects. */
async function begin(server: TestServer, { key = USER_KEY, query = "" } = {}): Promise<string> {
  const response = await server.request("POST", `${CALLS}${query}`, { key, body: sampleOffer([VOICE]), headers: SDP });
  const sdp = await response.text();
  assert.equal(response.status, 201, sdp);
  assert.equal(response.headers.get("content-type"), "application/sdp");
  assert.match(sdp, /^v=0\r\n/);
  const location = response.headers.get("location")!;
  assert.match(location, /^\/v1\/realtime\/calls\/rtc_[0-9a-z]+$/);
  return location.split("/").at(-1)!;
}

function secret(server: TestServer, body: Record<string, unknown> = {}, headers: Record<string, string> = {}) {
  return server.request("POST", "^/v1/realtime/client_secrets", { body, headers }).then((response) =>
    good<Json>(response)
  );
}

async function refusal(response: Response, status: number): Promise<Json> {
  const text = await response.text();
  assert.equal(response.status, status, text);
  const { error } = JSON.parse(text);
  assert.equal(typeof error.message, "string");
  return error;
}

Deno.test("a description begins a call, whose address tells its id, and a hang-up ends it", async () => {
  await using server = await start();
  const id = await begin(server);
  const { dialect, agent_id } = await good<Json>(await server.request("GET", `/rtc/sessions/${id}`));
  assert.deepEqual([dialect, agent_id], ["openai", "assistant"]);
  const ended = await server.request("POST", `${CALLS}/${id}/hangup`);
  assert.equal(ended.status, 200, await ended.text());
  const { state, reason } = await good<Json>(await server.request("GET", `/rtc/sessions/${id}`));
  assert.deepEqual([state, reason], ["ended", "deleted"]);
  for (const verb of ["accept", "refer", "reject"]) {
    await refusal(await server.request("POST", `${CALLS}/${id}/${verb}`), 404);
  }
});

Deno.test("a form brings the session along, and its model is the agent", async () => {
  await using server = await start();
  await good(await server.request("POST", "/agents", { key: ADMIN_KEY, body: { id: "guide", name: "Guide" } }));
  const form = new FormData();
  form.set("sdp", sampleOffer([VOICE]));
  form.set("session", JSON.stringify({ type: "realtime", model: "guide", instructions: "Be brief." }));
  const response = await fetch(`${server.url}/v1/realtime/calls`, {
    method: "POST",
    headers: { authorization: `Bearer ${USER_KEY}` },
    body: form,
  });
  assert.equal(response.status, 201, await response.text());
  const id = response.headers.get("location")!.split("/").at(-1)!;
  const { agent_id } = await good<Json>(await server.request("GET", `/rtc/sessions/${id}`));
  assert.equal(agent_id, "guide");
  using beside = await RealtimeSocket.open(server, id);
  const { session } = await beside.next("session.created");
  assert.equal(session.instructions, "Be brief.");
  assert.equal(session.model, "guide");
});

Deno.test("OpenAI's own names of models mean the default agent, others must be agents", async () => {
  await using server = await start();
  await begin(server, { query: "?model=gpt-realtime-2.1" });
  const response = await server.request("POST", `${CALLS}?model=nobody`, { body: sampleOffer([VOICE]), headers: SDP });
  const { code, param } = await refusal(response, 404);
  assert.deepEqual([code, param], ["model_not_found", "model"]);
});

Deno.test("what is no description, no session or no key is refused in OpenAI's words", async () => {
  await using server = await start();
  const post = (body: string, headers: Record<string, string>, key: string | null = USER_KEY) =>
    server.request("POST", CALLS, { key, body, headers });
  assert.equal((await refusal(await post("hello", SDP), 400)).type, "invalid_request_error");
  await refusal(await post("{}", { "content-type": "application/json" }), 415);
  await refusal(await post("--x", { "content-type": "multipart/form-data; boundary=x" }), 400);
  assert.equal((await refusal(await post(sampleOffer([VOICE]), SDP, null), 401)).code, "invalid_api_key");
  const { data } = await good<Json>(await server.request("GET", "/rtc/sessions"));
  assert.deepEqual(data, [], "nothing began");
});

Deno.test("a secret opens calls until it expires, more than one, and nothing else", async () => {
  await using server = await start();
  const made = await secret(server, {
    expires_after: { anchor: "created_at", seconds: 60 },
    session: { type: "realtime", model: "gpt-realtime", instructions: "Whisper.", audio: { output: { speed: 1.5 } } },
  });
  assert.match(made.value, /^ek_/);
  assert.ok(Math.abs(made.expires_at - Date.now() / 1000 - 60) < 5);
  assert.equal(made.session.instructions, "Whisper.");
  const key = made.value;
  const id = await begin(server, { key });
  await begin(server, { key });
  using beside = await RealtimeSocket.open(server, id, { key });
  const { session } = await beside.next("session.created");
  assert.equal(session.instructions, "Whisper.", "the session is as the secret has it");
  assert.equal(session.audio.output.speed, 1.5);
  await good(await server.request("GET", `/rtc/sessions/${id}`));
  for (const path of ["/rtc/sessions", "/agents", "/conversations", "/tools", "/openapi.json"]) {
    const response = await server.request("GET", path, { key });
    assert.ok([403, 404].includes(response.status), `${path} ${response.status}`);
    await response.body?.cancel();
  }
  const more = await server.request("POST", "^/v1/realtime/client_secrets", { key, body: {} });
  await refusal(more, 403);
  await refusal(await server.request("POST", CALLS, { key: `${key}x`, body: sampleOffer([VOICE]), headers: SDP }), 401);
});

Deno.test("a secret stands for the user it was made for, and sees no call of others", async () => {
  await using server = await start();
  const ann = await secret(server, {}, { "x-muxi-user": "ann" });
  const nobody = await secret(server);
  const id = await begin(server, { key: ann.value });
  const { user_id } = await good<Json>(await server.request("GET", `/rtc/sessions/${id}`, { key: ann.value }));
  assert.equal(user_id, "ann");
  for (const key of [nobody.value, (await secret(server, {}, { "x-muxi-user": "bob" })).value]) {
    assert.equal((await server.request("GET", `/rtc/sessions/${id}`, { key })).status, 404);
    await refusal(await server.request("POST", `${CALLS}/${id}/hangup`, { key }), 404);
  }
});

Deno.test("a secret that can't be meant is refused before it is made", async () => {
  await using server = await start();
  for (
    const body of [
      { expires_after: { seconds: 5 } },
      { session: { type: "transcription" } },
      { session: { type: "realtime", tools: [{ type: "mcp", server_label: "x" }] } },
    ]
  ) await refusal(await server.request("POST", "^/v1/realtime/client_secrets", { body }), 400);
});

Deno.test("an application follows and steers a call beside it, by header or by subprotocol", async () => {
  await using provider = await startProvider({ script: [{ tokens: ["Nine ", "o'clock."] }] });
  await using server = await start({}, provider.url);
  const id = await begin(server);
  using one = await RealtimeSocket.open(server, id);
  using other = await RealtimeSocket.open(server, id, { by: "protocol" });
  await one.next("session.created");
  await other.next("session.created");
  one.send({
    type: "conversation.item.create",
    item: { type: "message", role: "user", content: [{ type: "input_text", text: "What time is it?" }] },
  });
  one.send({ type: "response.create", event_id: "create_1" });
  const { response } = await other.next("response.done");
  assert.equal(response.status, "completed");
  assert.equal(response.output[0].content[0].transcript, "Nine o'clock.");
  const { item } = await one.next("conversation.item.done", 2);
  assert.equal(item.role, "assistant");
  other.send({ type: "response.cancel", event_id: "cancel_1" });
  const { error } = await other.next("error");
  assert.deepEqual([error.code, error.event_id], ["response_cancel_not_active", "cancel_1"]);
  assert.equal(one.events.filter(({ type }) => type === "error").length, 0);
  await server.request("POST", `${CALLS}/${id}/hangup`).then((response) => response.body?.cancel());
  await one.closed;
  await other.closed;
});

Deno.test("a call is joined by its own key alone, and only while it goes on", async () => {
  const other = "sk_muxi_user_other_012345678901234";
  await using server = await start({ auth: { api_keys: [`other:user:${other}`] } });
  const id = await begin(server);
  const ask = (query: string, key: string | null = USER_KEY) => server.request("GET", `^/v1/realtime${query}`, { key });
  await refusal(await ask(`?call_id=${id}`, other), 404);
  await refusal(await ask(`?call_id=${id}`, null), 401);
  await refusal(await ask("?call_id=nonsense"), 400);
  await refusal(await ask(`?call_id=${id}`), 400);
  const native = await good<Json>(await server.request("POST", "/rtc/sessions", { body: {} }));
  await refusal(await ask(`?call_id=${native.id}`), 404);
  await server.request("POST", `${CALLS}/${id}/hangup`).then((response) => response.body?.cancel());
  await refusal(await ask(`?call_id=${id}`), 404);
});

Deno.test("pages may send what the client sends, and read where the call is", async () => {
  const origin = "https://app.example.org";
  await using server = await start({ server: { cors: { origins: [origin] } } });
  const preflight = await server.request("OPTIONS", CALLS, {
    key: null,
    headers: { origin, "access-control-request-method": "POST" },
  });
  assert.match(preflight.headers.get("access-control-allow-headers")!, /X-OpenAI-Agents-SDK/);
  const response = await server.request("POST", CALLS, { body: sampleOffer([VOICE]), headers: { ...SDP, origin } });
  assert.match(response.headers.get("access-control-expose-headers")!, /\bLocation\b/);
  await response.body?.cancel();
});
