/**
 * How turns are found is changed in a call over the WebSocket of OpenAI's Realtime API: espeak-ng speaks, pocketsphinx
 * hears, the provider is scripted.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { aloud, speechSettings } from "../support/calls.ts";
import { type ProviderRequest, startProvider } from "../support/provider.ts";
import { RealtimeSocket, type } from "../support/realtime_socket.ts";
import { joined, silence, speak, spoken, toAppends } from "../support/realtime_sound.ts";
import { startServer } from "../support/server.ts";
import { speechEnv, writeGrammar } from "../support/speech.ts";
import { ASKED, judgedIn, startSpeaking } from "../support/voice_story.ts";

const TALK = { query: "model=gpt-realtime" };
const CALLS = { rtc: { host: "127.0.0.1", port: 0 } };
const MUTE = { ...CALLS, speech: { stt: { engine: "none" }, tts: { engine: "none" } } };
const DOOR = "please open the garden door";
const PAUSE_MS = 1500;

/** Has turns found so from now on. Resolves with how they are. */
async function detect(socket: RealtimeSocket, turn_detection: unknown, count = 1) {
  socket.send({ type: "session.update", session: { type: "realtime", audio: { input: { turn_detection } } } });
  const { session } = await socket.next("session.updated", count);
  return session.audio.input.turn_detection;
}

/** What is written of what was said, `count` times. */
async function written(socket: RealtimeSocket, count: number): Promise<string> {
  return (await socket.next("conversation.item.input_audio_transcription.completed", count)).transcript;
}

function send(socket: RealtimeSocket, ...sounds: Uint8Array[]): void {
  for (const event of toAppends(joined(sounds))) socket.send(event);
}

const stopped = ({ events }: RealtimeSocket) =>
  events.filter(({ type }) => type === "input_audio_buffer.speech_stopped").length;

aloud("a longer silence joins two parts of speech to one turn that a shorter one parts, both in one call", async () => {
  await using stack = new AsyncDisposableStack();
  const { server, provider } = await startSpeaking(stack, { tokens: ["Your order is ready."] }, CALLS);
  const [door, asked] = [await spoken(DOOR), await spoken(ASKED)];
  using socket = await RealtimeSocket.open(server, TALK);
  await socket.next("session.created");
  const long = { type: "server_vad", silence_duration_ms: 4000, create_response: false };
  assert.deepEqual(await detect(socket, long), { ...long, interrupt_response: true });
  send(socket, door, silence(PAUSE_MS), asked, silence(4500));
  assert.equal(await written(socket, 1), `${DOOR} ${ASKED}`);
  assert.equal(stopped(socket), 1);
  const short = { ...long, silence_duration_ms: 400 };
  assert.deepEqual(await detect(socket, short, 2), { ...short, interrupt_response: true });
  send(socket, door, silence(PAUSE_MS));
  assert.equal(await written(socket, 2), DOOR);
  send(socket, asked, silence(PAUSE_MS));
  assert.equal(await written(socket, 3), ASKED);
  assert.equal(stopped(socket), 3);
  assert.equal(provider.requests.length, 0, "nothing is answered before that is asked");
  socket.send({ type: "response.create" });
  await socket.next("response.done");
  const { messages } = provider.requests[0]!.body;
  const said = messages.filter(({ role }: { role: string }) => role === "user");
  assert.deepEqual(said.map(({ content }: { content: string }) => content), [`${DOOR} ${ASKED}`, DOOR, ASKED]);
});

aloud("speech that may not interrupt is answered after the answer into which it was spoken", async () => {
  await using stack = new AsyncDisposableStack();
  const story = Array.from({ length: 3 }, (_, i) => `This is sentence number ${i + 1} of a story.`);
  const { server } = await startSpeaking(
    stack,
    [{ tokens: [story.join(" ")] }, { tokens: ["Your order is ready."] }],
    CALLS,
  );
  using socket = await RealtimeSocket.open(server, TALK);
  await socket.next("session.created");
  await detect(socket, { type: "server_vad", interrupt_response: false });
  type(socket, "Tell me a story");
  await socket.next("response.output_audio.delta", 20);
  await speak(socket, joined([await spoken(ASKED), silence(1500)]));
  const { response: told } = await socket.next("response.done");
  assert.deepEqual([told.status, told.output[0].content[0].transcript], ["completed", story.join(" ")]);
  const { response: answer } = await socket.next("response.done", 2);
  assert.equal(answer.output[0].content[0].transcript, "Your order is ready.");
  assert.equal(await written(socket, 1), ASKED);
  const types = socket.events.map(({ type }) => type);
  assert.ok(types.indexOf("input_audio_buffer.speech_started") < types.indexOf("response.done"), "it was spoken into");
  assert.ok(!types.includes("conversation.item.truncated"));
});

aloud("with an eagerness the words decide, also where silence alone does otherwise", async () => {
  await using stack = new AsyncDisposableStack();
  const judged: string[] = [];
  const script = (request: ProviderRequest) => {
    const words = judgedIn(request);
    if (words === undefined) return { tokens: ["Your order is ready."] };
    judged.push(words);
    return { tokens: [words.endsWith(ASKED) ? "DONE" : "WAIT"] };
  };
  const grammar = stack.use(await writeGrammar());
  const provider = stack.use(await startProvider({ script }));
  const { speech: { stt, tts } } = speechSettings(grammar.path);
  // What hears at once has to understand before a stretch has ended: this program has words only then.
  const settings = { ...CALLS, speech: { stt: { ...stt, input: "wav" }, tts } };
  const server = stack.use(await startServer({ provider: provider.url, settings, variables: speechEnv() }));
  using socket = await RealtimeSocket.open(server, TALK);
  await socket.next("session.created");
  const low = { type: "semantic_vad", eagerness: "low" };
  assert.equal((await detect(socket, low)).eagerness, "low");
  await speak(socket, joined([await spoken(DOOR), silence(PAUSE_MS), await spoken(ASKED), silence(3000)]));
  assert.equal(await written(socket, 1), `${DOOR} ${ASKED}`);
  assert.equal(stopped(socket), 1);
  assert.equal(judged.at(-1), `${DOOR} ${ASKED}`);
  await socket.next("response.done");
});

Deno.test("who says nothing after an answer is answered all the same, once that is wanted", async () => {
  await using provider = await startProvider({ script: { tokens: ["Are you there?"] } });
  await using server = await startServer({ provider: provider.url, settings: MUTE });
  using socket = await RealtimeSocket.open(server, TALK);
  await socket.next("session.created");
  const idle = { type: "server_vad", idle_timeout_ms: 5000 };
  assert.equal((await detect(socket, idle)).idle_timeout_ms, 5000);
  type(socket, "Hello?");
  await socket.next("response.done");
  const { audio_start_ms, audio_end_ms, item_id } = await socket.next("input_audio_buffer.timeout_triggered");
  assert.equal(audio_end_ms - audio_start_ms, 5000);
  assert.equal((await socket.next("input_audio_buffer.committed")).item_id, item_id);
  await socket.next("response.done", 2);
  const { role, content } = provider.requests[1]!.body.messages.at(-1);
  assert.deepEqual([role, content], ["user", "(Nothing is heard of the caller.)"]);
});

Deno.test("what can't be in force is refused, where a call begins and in the middle of it", async () => {
  await using server = await startServer({ settings: MUTE });
  const wrong = { type: "server_vad", silence_duration_ms: 5 };
  const session = { type: "realtime", audio: { input: { turn_detection: wrong } } };
  const response = await server.request("POST", "^/v1/realtime/client_secrets", { body: { session } });
  const { error } = JSON.parse(await response.text());
  assert.deepEqual([response.status, error.param], [400, "session.audio.input.turn_detection.silence_duration_ms"]);
  using socket = await RealtimeSocket.open(server, TALK);
  const { session: before } = await socket.next("session.created");
  socket.send({ type: "session.update", event_id: "wrong", session });
  // Two say that the agent can't hear and can't speak.
  const refused = await socket.next("error", 1 + 2);
  assert.deepEqual([refused.error.event_id, refused.error.param], ["wrong", error.param]);
  socket.send({ type: "session.update", session: { type: "realtime" } });
  const { session: after } = await socket.next("session.updated");
  assert.deepEqual(after.audio.input.turn_detection, before.audio.input.turn_detection);
});
