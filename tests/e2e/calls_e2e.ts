/**
 * A call: the page for it, sound and words both ways, and what is recorded of it. What a call needs is loaded with the
 * first one, so that a part that was not packed is not missed before.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { ALL_FORMATS, BufferSource, EncodedPacketSink, Input } from "mediabunny";
import { createOpusCodec } from "../../src/adapters/opus/codec.ts";
import { type EventType, isFinal } from "../../src/domain/event.ts";
import { type Caller, openCaller, speechPackets } from "../support/caller.ts";
import { good } from "../support/calls.ts";
import { type SpeechServer, startSpeechServer } from "../support/speech_server.ts";
import { until } from "../support/story.ts";
import { openPlace } from "./support/place.ts";
import { serve, type Server } from "./support/server.ts";
import { everybody, story } from "./support/story.ts";

/** What is heard, whatever is said. */
const HEARD = "what is the weather in london today";
/** The beginning of every WebM file. */
const EBML = [0x1a, 0x45, 0xdf, 0xa3];
/** How loud a packet of the engine's tone is at least, of 32,767; silence has nothing. */
const LOUD = 1000;
const RATE = 24_000;
/** A tenth of a second. */
const SOME = 5;

const TYPES: Readonly<Record<string, string>> = {
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
  ts: "application/typescript; charset=utf-8",
};

/** Somebody in a call who counts what they can hear. */
interface Listener {
  caller: Caller;
  /** How many packets of sound have come. */
  loud(): number;
  /** Resolves when the agent has been heard for a while after the packet of sound number `from`. */
  hears(from: number): Promise<void>;
}

/** The settings of a server that takes calls, and hears and speaks by `engines`. */
function settingsOf(engines: SpeechServer): Record<string, string> {
  return {
    MUXI_RTC_PORT: "0",
    MUXI_SPEECH_STT_BASE_URL: engines.url,
    MUXI_SPEECH_STT_API_KEY: "sk-scripted",
    MUXI_SPEECH_TTS_BASE_URL: engines.url,
    MUXI_SPEECH_TTS_API_KEY: "sk-scripted",
  };
}

/** Calls. */
async function listenTo(stack: AsyncDisposableStack, server: Server, greeting: string): Promise<Listener> {
  const codec = createOpusCodec();
  await codec.load();
  const decoder = stack.use(await codec.createDecoder({ rate: RATE }));
  let loud = 0;
  const door = {
    request: (_method: string, path: string, { body }: { body?: unknown } = {}) =>
      server.request(`/api/v1${path}`, body),
  };
  const caller = await openCaller(door, {
    body: { voice: { greeting } },
    onMedia({ payload }) {
      if (decoder.decode(payload).some((sample) => Math.abs(sample) > LOUD)) loud++;
    },
  });
  stack.use(caller);
  return {
    caller,
    loud: () => loud,
    hears: (from) => caller.heard.until(() => loud >= from + SOME),
  };
}

/** Resolves with the types of a run's events, from message `from` of the channel on, when it has ended. */
async function runTold(caller: Caller, from: number): Promise<EventType[]> {
  const types: EventType[] = [];
  let at = from;
  do {
    const told = await caller.told("run.event", at);
    types.push(told.data.event as EventType);
    at = told.at + 1;
  } while (!isFinal(types.at(-1)!));
  return types;
}

/** Asks the API by a method without a body. */
async function askFor<T>(server: Server, method: string, path: string): Promise<T> {
  const headers = { authorization: `Bearer ${server.key}` };
  return await good<T>(await fetch(`${server.url}/api/v1${path}`, { method, headers }));
}

/** The file of a recording, whole. */
async function download(server: Server, session_id: string): Promise<Uint8Array<ArrayBuffer>> {
  type Shown = { id: string; state: string; size: number };
  let shown: Shown | undefined;
  const { id, state, size } = await until(() => `the file of ${JSON.stringify(shown)}`, async () => {
    shown = await askFor<Shown>(server, "GET", `/rtc/sessions/${session_id}/recording`);
    return ["ready", "failed"].includes(shown.state) && shown;
  }, { every_ms: 50 });
  assert.equal(state, "ready");
  const content = await server.request(`/api/v1/rtc/recordings/${id}/content`);
  assert.deepEqual([content.status, content.headers.get("content-type")], [200, "video/webm"]);
  const bytes = await content.bytes();
  assert.equal(bytes.length, size);
  return bytes;
}

Deno.test("the page of calls is there, with all that it loads and the module for other pages", async () => {
  await using place = await openPlace();
  await using server = await serve(place, { env: { MUXI_RTC_PORT: "0" } });
  const read = async (path: string, type: string) => {
    const response = await fetch(`${server.url}${path}`);
    const text = await response.text();
    assert.deepEqual([path, response.status, response.headers.get("content-type")], [path, 200, type]);
    return text;
  };
  const page = await read("/call", "text/html; charset=utf-8");
  const named = [...page.matchAll(/<(?:link|script|img)\b[^>]*(?:href|src)="([^"]+)"/g)].map(([, path]) => path!);
  for (const name of ["call.js", "icon.svg", "style.css"]) assert.ok(named.includes(`/call/${name}`), name);
  for (const path of new Set(named)) assert.notEqual(await read(path, TYPES[path.split(".").at(-1)!]!), "");
  assert.match(await read("/call/session_client.d.ts", TYPES.ts!), /^declare class Call \{$/m);
  const module = await read("/call/session_client.js", TYPES.js!);
  const url = URL.createObjectURL(new Blob([module], { type: "text/javascript" }));
  try {
    const { Call } = await import(url);
    assert.equal(typeof Call.start, "function");
  } finally {
    URL.revokeObjectURL(url);
  }
  assert.equal((await server.end("SIGTERM")).code, 0);
});

await everybody("a caller is greeted, types, is answered aloud, and the recording can be read", async (place) => {
  await using stack = new AsyncDisposableStack();
  const engines = stack.use(await startSpeechServer({ instant: { text: HEARD } }));
  const server = stack.use(await serve(place, { env: settingsOf(engines) }));
  const listener = await listenTo(stack, server, "Good morning");
  const { caller } = listener;
  await listener.hears(0);
  await caller.told("agent.done");
  const path = `/rtc/sessions/${caller.id}`;
  await askFor(server, "POST", `${path}/recording`);
  await caller.told("recording.started");
  const [from, loud] = [caller.heard.messages.length, listener.loud()];
  caller.send({ type: "text", text: "Remember the heron" });
  const told = await runTold(caller, from);
  assert.deepEqual([told[0], told.at(-1)], ["run.started", "run.completed"]);
  await caller.told("agent.done", from);
  await listener.hears(loud);
  await askFor(server, "DELETE", `${path}/recording`);
  const bytes = await download(server, caller.id);
  assert.deepEqual([...bytes.subarray(0, EBML.length)], EBML);
  using input = new Input({ formats: ALL_FORMATS, source: new BufferSource(bytes) });
  const tracks = await input.getAudioTracks();
  assert.deepEqual(tracks.map(({ codec }) => codec), ["opus"]);
  const packets = await Array.fromAsync(new EncodedPacketSink(tracks[0]!).packets());
  assert.ok(packets.length >= SOME, `${packets.length} packets`);
  await askFor(server, "DELETE", path);
  assert.doesNotMatch(server.log(), /"level":"error"/);
  assert.equal((await server.end("SIGTERM")).code, 0);
});

await story("a caller who speaks is heard, and answered aloud", { tools: ["espeak-ng", "ffmpeg"] }, async () => {
  await using place = await openPlace();
  await using stack = new AsyncDisposableStack();
  const engines = stack.use(await startSpeechServer({ instant: { text: HEARD } }));
  const server = stack.use(await serve(place, { env: settingsOf(engines) }));
  const { sound, silence } = await speechPackets(HEARD);
  const listener = await listenTo(stack, server, "");
  const { caller } = listener;
  await caller.say(sound);
  const over = () => caller.heard.messages.some((text) => JSON.parse(text).type === "agent.done");
  await until("the answer", async () => {
    await caller.say([silence]);
    return over();
  }, { every_ms: 0 });
  await listener.hears(0);
  assert.equal((await runTold(caller, 0)).at(-1), "run.completed");
  // What was heard of the caller is sound, as a file.
  const heard = engines.requests.find(({ path }) => path.endsWith("/transcriptions"))!;
  assert.equal(new TextDecoder().decode(heard.file!.subarray(0, 4)), "RIFF");
  assert.doesNotMatch(server.log(), /"level":"error"/);
  assert.equal((await server.end("SIGTERM")).code, 0);
});
