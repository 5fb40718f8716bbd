/**
 * The WebSocket of OpenAI's Realtime API that carries sound: espeak-ng asks, pocketsphinx hears, in the server and in what
 * comes back.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { aloud, good, pipe, speechSettings } from "../support/calls.ts";
import { type Script, startProvider } from "../support/provider.ts";
import { RealtimeSocket, type } from "../support/realtime_socket.ts";
import { joined, silence, speak, spoken, toAppends, understoodIn } from "../support/realtime_sound.ts";
import { startServer, type TestServer, USER_KEY } from "../support/server.ts";
import { SENTENCES, speechEnv, writeGrammar } from "../support/speech.ts";
import { until } from "../support/story.ts";

const ASKED = "what is the weather in london today";
const NONE = { engine: "none" };
const TALK = { query: "model=gpt-realtime" };

// deno-lint-ignore no-explicit-any -- tests look into answers of every shape
type Json = any;

/** A server that speaks and hears. */
async function startSpeaking(
  stack: AsyncDisposableStack,
  script: Script,
  { sentences = SENTENCES as readonly string[] } = {},
) {
  const grammar = stack.use(await writeGrammar(sentences));
  const provider = stack.use(await startProvider({ script }));
  const server = stack.use(
    await startServer({
      provider: provider.url,
      variables: speechEnv(),
      settings: { rtc: { host: "127.0.0.1", port: 0 }, ...speechSettings(grammar.path) },
    }),
  );
  return { server, provider, grammar: grammar.path };
}

const startMute = (settings: Record<string, unknown> = {}, provider?: string) =>
  startServer({
    ...provider !== undefined && { provider },
    settings: { rtc: { host: "127.0.0.1", port: 0 }, speech: { stt: NONE, tts: NONE }, ...settings },
  });

const FFMPEG = ["ffmpeg", "-v", "error"];
const raw = (format: string, rate: number) => ["-f", format, "-ar", String(rate), "-ac", "1"];

/** All sound that came. */
function heard({ events }: RealtimeSocket): Uint8Array {
  return joined(
    events.flatMap(({ type, delta }) => type === "response.output_audio.delta" ? [Uint8Array.fromBase64(delta)] : []),
  );
}

async function sessionOf(server: TestServer): Promise<Json> {
  const { data } = await good<Json>(await server.request("GET", "/rtc/sessions"));
  return data[0];
}

aloud("a question is heard, answered by a run, and the answer comes back as sound that is understood", async () => {
  await using stack = new AsyncDisposableStack();
  const { server, provider, grammar } = await startSpeaking(stack, { tokens: ["Your order", " is", " ready."] });
  using socket = await RealtimeSocket.open(server, TALK);
  const { session } = await socket.next("session.created");
  assert.deepEqual(session.audio.input.format, { type: "audio/pcm", rate: 24_000 });
  await speak(socket, joined([await spoken(ASKED), silence(1500)]));
  const { transcript } = await socket.next("conversation.item.input_audio_transcription.completed");
  assert.equal(transcript, ASKED);
  const { response } = await socket.next("response.done");
  assert.equal(response.status, "completed");
  assert.equal(response.output[0].content[0].transcript, "Your order is ready.");
  assert.deepEqual(await understoodIn(heard(socket), grammar), ["your order is ready"]);
  assert.equal(provider.requests[0]!.body.messages.at(-1).content, ASKED);
  const types = socket.events.map(({ type }) => type);
  const order = [
    "session.created",
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "conversation.item.input_audio_transcription.completed",
    "response.created",
    "response.output_item.added",
    "response.output_audio.delta",
    "response.output_audio_transcript.done",
    "response.output_audio.done",
    "response.done",
  ].map((type) => types.indexOf(type));
  assert.deepEqual(order, order.toSorted((a, b) => a - b));
  assert.ok(types.lastIndexOf("response.output_audio.delta") < types.indexOf("response.output_audio.done"));
  assert.ok(!types.some((type) => type.startsWith("output_audio_buffer.")), "sound is no media here");
  const { dialect, state, conversation_id, stats: _ } = await sessionOf(server);
  assert.deepEqual([dialect, state], ["openai", "active"]);
  const { data } = await good<Json>(await server.request("GET", `/conversations/${conversation_id}/messages`));
  assert.deepEqual(data.map(({ content }: { content: string }) => content), [ASKED, "Your order is ready."]);
});

aloud("turns are ended by hand: all sound at once, committed, and answered when that is asked", async () => {
  await using stack = new AsyncDisposableStack();
  const { server, provider, grammar } = await startSpeaking(stack, { tokens: ["Your order is ready."] });
  using socket = await RealtimeSocket.open(server, TALK);
  await socket.next("session.created");
  socket.send({ type: "session.update", session: { type: "realtime", audio: { input: { turn_detection: null } } } });
  const { session } = await socket.next("session.updated");
  assert.equal(session.audio.input.turn_detection, null);
  socket.send({ type: "input_audio_buffer.commit", event_id: "early" });
  const { error } = await socket.next("error");
  assert.deepEqual([error.code, error.event_id], ["input_audio_buffer_commit_empty", "early"]);
  for (const event of toAppends(await spoken("please open the garden door"))) socket.send(event);
  socket.send({ type: "input_audio_buffer.clear" });
  await socket.next("input_audio_buffer.cleared");
  for (const event of toAppends(await spoken(ASKED))) socket.send(event);
  socket.send({ type: "input_audio_buffer.commit" });
  socket.send({ type: "response.create" });
  const { item_id } = await socket.next("input_audio_buffer.committed");
  const { item } = await socket.next("conversation.item.added");
  assert.deepEqual([item.id, item.content], [item_id, [{ type: "input_audio", transcript: null }]]);
  const written = await socket.next("conversation.item.input_audio_transcription.completed");
  assert.deepEqual([written.item_id, written.transcript], [item_id, ASKED], "what was cleared is forgotten");
  await socket.next("response.done");
  assert.deepEqual(await understoodIn(heard(socket), grammar), ["your order is ready"]);
  assert.deepEqual(provider.requests.map(({ body }) => body.messages.at(-1).content), [ASKED]);
  assert.equal(socket.events.filter(({ type }) => type === "input_audio_buffer.speech_started").length, 0);
});

aloud("a telephone's sound goes both ways", async () => {
  for (const [type, law] of [["audio/pcmu", "mulaw"], ["audio/pcma", "alaw"]] as const) {
    await using stack = new AsyncDisposableStack();
    // The model of this recogniser is for wider bands: of a telephone's it knows short sentences, where there are few.
    const { server, grammar } = await startSpeaking(stack, { tokens: ["Yes please."] }, { sentences: ["yes please"] });
    using socket = await RealtimeSocket.open(server, TALK);
    await socket.next("session.created");
    const audio = { input: { format: { type }, turn_detection: null }, output: { format: { type } } };
    socket.send({ type: "session.update", session: { type: "realtime", audio } });
    const { session } = await socket.next("session.updated");
    assert.deepEqual([session.audio.input.format, session.audio.output.format], [{ type }, { type }]);
    const said = await pipe(
      [...FFMPEG, ...raw("s16le", 24_000), "-i", "-", ...raw(law, 8000), "-"],
      await spoken("yes please"),
    );
    socket.send({ type: "input_audio_buffer.append", audio: said.toBase64() });
    socket.send({ type: "input_audio_buffer.commit" });
    const { transcript } = await socket.next("conversation.item.input_audio_transcription.completed");
    assert.equal(transcript, "yes please");
    socket.send({ type: "response.create" });
    await socket.next("response.done");
    const back = await pipe([...FFMPEG, ...raw(law, 8000), "-i", "-", ...raw("s16le", 24_000), "-"], heard(socket));
    assert.deepEqual(await understoodIn(back, grammar), ["yes please"]);
  }
});

aloud("who stops listening says where, and history keeps what was heard by then", async () => {
  await using stack = new AsyncDisposableStack();
  const long = Array.from({ length: 12 }, (_, i) => `This is sentence number ${i + 1} of a long story. `);
  const { server } = await startSpeaking(stack, [{ tokens: long }, { tokens: ["Your order is ready."] }]);
  using socket = await RealtimeSocket.open(server, TALK);
  await socket.next("session.created");
  type(socket, "Tell me a story");
  const { item_id } = await socket.next("response.output_audio.delta", 150);
  const sent_ms = heard(socket).length / 48;
  socket.send({ type: "conversation.item.truncate", item_id, content_index: 0, audio_end_ms: 1500 });
  const truncated = await socket.next("conversation.item.truncated");
  assert.deepEqual([truncated.item_id, truncated.audio_end_ms], [item_id, 1500]);
  const { response } = await socket.next("response.done");
  assert.deepEqual([response.status, response.status_details.reason], ["cancelled", "turn_detected"]);
  const { conversation_id } = await sessionOf(server);
  const { data } = await good<Json>(await server.request("GET", `/conversations/${conversation_id}/messages`));
  const kept = data[1].content.replace(/…$/, "").trimEnd();
  assert.ok(long.join("").startsWith(kept), kept);
  assert.ok(sent_ms > 2900, `${sent_ms} ms were sent`);
  // A second and a half holds about one of the sentences, what was sent holds two.
  assert.ok(kept.length > 0 && kept.length < 50, kept);
  assert.equal(response.output[0].content[0].transcript, data[1].content);
  type(socket, "And my order?");
  await socket.next("response.done", 2);
});

aloud("who speaks into the answer interrupts it", async () => {
  await using stack = new AsyncDisposableStack();
  const long = Array.from({ length: 12 }, (_, i) => `This is sentence number ${i + 1} of a long story. `);
  const { server } = await startSpeaking(stack, [{ tokens: long }, { tokens: ["Your order is ready."] }]);
  using socket = await RealtimeSocket.open(server, TALK);
  await socket.next("session.created");
  type(socket, "Tell me a story");
  await socket.next("response.output_audio.delta", 60);
  await speak(socket, joined([await spoken(ASKED), silence(1500)]));
  const { response } = await socket.next("response.done");
  assert.equal(response.status, "cancelled");
  const { audio_end_ms } = await socket.next("conversation.item.truncated");
  assert.ok(audio_end_ms > 1000, `${audio_end_ms}`);
  const next = await socket.next("response.done", 2);
  assert.equal(next.response.output[0].content[0].transcript, "Your order is ready.");
});

aloud("the client's own tool is called by voice, and its result is answered aloud", async () => {
  await using stack = new AsyncDisposableStack();
  const { server, provider, grammar } = await startSpeaking(stack, [
    { tool_calls: [{ name: "switch_lamp", arguments: { on: true } }] },
    { tokens: ["Your order is ready."] },
  ]);
  using socket = await RealtimeSocket.open(server, TALK);
  await socket.next("session.created");
  const tool = { type: "function", name: "switch_lamp", parameters: { type: "object" } };
  socket.send({ type: "session.update", session: { type: "realtime", tools: [tool] } });
  await speak(socket, joined([await spoken("please open the garden door"), silence(1200)]));
  const { call_id, arguments: given } = await socket.next("response.function_call_arguments.done");
  assert.deepEqual(JSON.parse(given), { on: true });
  await socket.next("response.done");
  const item = { type: "function_call_output", call_id, output: "The lamp is on" };
  socket.send({ type: "conversation.item.create", item });
  socket.send({ type: "response.create" });
  await socket.next("response.done", 2);
  assert.deepEqual(await understoodIn(heard(socket), grammar), ["your order is ready"]);
  assert.match(provider.requests[1]!.body.messages.at(-1).content, /The lamp is on/);
});

Deno.test("keys are shown by header, by subprotocol, or as a secret; others are refused", async () => {
  await using server = await startMute();
  for (const by of ["header", "protocol"] as const) {
    using socket = await RealtimeSocket.open(server, TALK, { by });
    await socket.next("session.created");
  }
  const made = await good<Json>(
    await server.request("POST", "^/v1/realtime/client_secrets", {
      body: { session: { type: "realtime", instructions: "Whisper." } },
    }),
  );
  using socket = await RealtimeSocket.open(server, TALK, { key: made.value, by: "protocol" });
  assert.equal((await socket.next("session.created")).session.instructions, "Whisper.");
  for (const by of ["header", "protocol"] as const) {
    await assert.rejects(RealtimeSocket.open(server, TALK, { key: `${USER_KEY}x`, by }));
  }
  const upgrade = { connection: "Upgrade", upgrade: "websocket", "sec-websocket-version": "13" };
  const ask = async (query: string, key: string | null) => {
    const headers = { ...upgrade, "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==" };
    const response = await server.request("GET", `^/v1/realtime${query}`, { key, headers });
    return [response.status, JSON.parse(await response.text()).error.code];
  };
  assert.deepEqual(await ask("?model=gpt-realtime", null), [401, "invalid_api_key"]);
  const plain = await server.request("GET", "^/v1/realtime?model=gpt-realtime");
  assert.deepEqual([plain.status, JSON.parse(await plain.text()).error.type], [400, "invalid_request_error"]);
});

Deno.test("garbage is told as such and harms nobody", async () => {
  await using provider = await startProvider({ script: { tokens: ["Hello."] } });
  await using server = await startMute({}, provider.url);
  using socket = await RealtimeSocket.open(server, TALK);
  await socket.next("session.created");
  socket.raw("hello");
  socket.raw("[1,2]");
  socket.raw('{"type":7}');
  socket.send({ type: "input_audio_buffer.append", event_id: "odd", audio: "AAAA" });
  socket.send({ type: "input_audio_buffer.append", event_id: "base64", audio: "§§§" });
  socket.send({ type: "input_audio_buffer.append", event_id: "none" });
  socket.send({ type: "input_audio_buffer.commit", event_id: "found" });
  socket.send({ type: "session.update", event_id: "mp3", session: { audio: { input: { format: { type: "mp3" } } } } });
  socket.send({
    type: "session.update",
    event_id: "rate",
    session: { audio: { output: { format: { type: "audio/pcm", rate: 8000 } } } },
  });
  socket.send({
    type: "conversation.item.truncate",
    event_id: "item",
    item_id: "x",
    content_index: 0,
    audio_end_ms: 1,
  });
  await socket.next("error", 10 + 2);
  const told = socket.events.filter(({ type }) => type === "error").map(({ error }) => error.event_id);
  // Two say that the agent can't hear and can't speak.
  assert.deepEqual(told.filter((id) => id !== null), ["odd", "base64", "none", "found", "mp3", "rate", "item"]);
  type(socket, "Hello?");
  const { response } = await socket.next("response.done");
  assert.equal(response.output[0].content[0].transcript, "Hello.");
  socket.raw(new Uint8Array([1, 2, 3]));
  assert.equal(await socket.closed, 1003);
  const { state, reason } = await sessionOf(server);
  assert.deepEqual([state, reason], ["ended", "hung_up"]);
});

Deno.test("the call ends with the connection, and the connection with the call", async () => {
  await using server = await startMute({ rtc: { host: "127.0.0.1", port: 0, max_calls_per_key: 1 } });
  const first = await RealtimeSocket.open(server, TALK);
  await first.next("session.created");
  await assert.rejects(RealtimeSocket.open(server, TALK), "one call a key");
  first[Symbol.dispose]();
  await first.closed;
  await until("the call has ended", async () => (await sessionOf(server)).state === "ended");
  using second = await RealtimeSocket.open(server, TALK);
  await second.next("session.created");
  const { id } = await sessionOf(server);
  using beside = await RealtimeSocket.open(server, id);
  await beside.next("session.created");
  await server.request("DELETE", `/rtc/sessions/${id}`).then((response) => response.body?.cancel());
  await second.closed;
  await beside.closed;
});

Deno.test("who floods is cut off, and nobody else notices", async () => {
  await using server = await startMute();
  using other = await RealtimeSocket.open(server, TALK);
  await other.next("session.created");
  using socket = await RealtimeSocket.open(server, TALK);
  await socket.next("session.created");
  const audio = new Uint8Array(600_000).toBase64();
  for (let i = 0; i < 40; i++) socket.send({ type: "input_audio_buffer.append", audio });
  // Its own end may notice before it reads why.
  assert.notEqual(await socket.closed, 1000);
  const { data } = await good<Json>(await server.request("GET", "/rtc/sessions?state=active"));
  assert.equal(data.length, 1);
  other.send({ type: "input_audio_buffer.clear" });
  await other.next("input_audio_buffer.cleared");
});
