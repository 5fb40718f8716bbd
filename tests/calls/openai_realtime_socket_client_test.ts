/**
 * OpenAI's own clients, unmodified, talk to an agent over a WebSocket: the agents SDK, and the client library in both its
 * ways.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { listen } from "../../src/transports/http/listen.ts";
import { aloud, good, speechSettings } from "../support/calls.ts";
import { makeCertificate } from "../support/certificate.ts";
import { runForeign } from "../support/foreign_program.ts";
import { type Script, startProvider } from "../support/provider.ts";
import { joined, silence, spoken, understoodIn } from "../support/realtime_sound.ts";
import { startServer, USER_KEY } from "../support/server.ts";
import { speechEnv, writeGrammar } from "../support/speech.ts";

const ASKED = "what is the weather in london today";

interface Talked {
  /** What came, in base64. */
  sound: string;
  types: string[];
  history?: { type: string; role?: string; status?: string; output?: string; content?: { transcript?: string }[] }[];
  calls?: unknown[];
  errors?: string[];
  interrupted?: number;
}

async function start(stack: AsyncDisposableStack, script: Script) {
  const grammar = stack.use(await writeGrammar());
  const provider = stack.use(await startProvider({ script }));
  const settings = { rtc: { host: "127.0.0.1", port: 0 }, ...speechSettings(grammar.path) };
  const server = stack.use(await startServer({ provider: provider.url, variables: speechEnv(), settings }));
  return { server, provider, grammar: grammar.path };
}

/** Speaks in real time, and at once what is late. */
const SPEAK = `
const pcm = Uint8Array.fromBase64(input.sound);
async function speak(send) {
  const started = performance.now();
  for (let at = 0; at < pcm.length; at += 4800) {
    send(pcm.slice(at, at + 4800));
    const wait = started + at / 48 + 100 - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
  }
}
function together(parts) {
  const all = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const part of parts) { all.set(new Uint8Array(part), at); at += part.byteLength; }
  return all.toBase64();
}
`;

const AGENTS = `
import { OpenAIRealtimeWebSocket, RealtimeAgent, RealtimeSession, tool } from "npm:@openai/agents-realtime@0.20.0";
${SPEAK}
const types = [], sound = [], errors = [], calls = [];
let interrupted = 0;
const lamp = tool({
  name: "switch_lamp",
  description: "Switches the lamp",
  strict: false,
  parameters: { type: "object", properties: { on: { type: "boolean" } }, required: ["on"], additionalProperties: true },
  execute: async (given) => { calls.push(given); return "The lamp is on"; },
});
const agent = new RealtimeAgent({ name: "helper", instructions: "Answer briefly.", tools: [lamp] });
const transport = new OpenAIRealtimeWebSocket({ url: input.url });
const session = new RealtimeSession(agent, { transport, model: "gpt-realtime", tracingDisabled: true });
transport.on("*", ({ type }) => types.push(type));
transport.on("audio", ({ data }) => sound.push(data));
session.on("audio_interrupted", () => interrupted++);
session.on("error", (event) => errors.push(JSON.stringify(event)));
const came = (type, count) =>
  until(count + " of " + type, () => types.filter((one) => one === type).length >= count, () => ({ types, errors }));
await session.connect({ apiKey: input.key });

`;

const AGENTS_END = `
await new Promise((done) => setTimeout(done, 200));
const { history } = session;
session.close();
report({ types, sound: together(sound), errors, calls, interrupted, history });
`;

aloud("the agents SDK speaks, has its tool called, and hears the answer", async () => {
  await using stack = new AsyncDisposableStack();
  const { server, provider, grammar } = await start(stack, [
    { tool_calls: [{ name: "switch_lamp", arguments: { on: true } }] },
    { tokens: ["Your order ", "is ready."] },
  ]);
  const { value: key } = await good<{ value: string }>(
    await server.request("POST", "^/v1/realtime/client_secrets", { body: { session: { type: "realtime" } } }),
  );
  const url = `${server.url.replace("http", "ws")}/v1/realtime?model=gpt-realtime`;
  const sound = joined([await spoken(ASKED), silence(1500)]).toBase64();
  const talked = await runForeign<Talked>(
    `${AGENTS}
await speak((piece) => session.sendAudio(piece.buffer));
await came("response.done", 2);
${AGENTS_END}`,
    { url, key, sound },
  );
  assert.deepEqual(talked.errors, []);
  assert.deepEqual(talked.calls, [{ on: true }]);
  assert.deepEqual(await understoodIn(Uint8Array.fromBase64(talked.sound), grammar), ["your order is ready"]);
  assert.deepEqual(
    talked.history!.map((item) => [item.type, item.status, item.output ?? item.content?.[0]?.transcript]),
    [
      ["message", "completed", ASKED],
      ["function_call", "completed", "The lamp is on"],
      ["message", "completed", "Your order is ready."],
    ],
  );
  assert.match(provider.requests[0]!.body.messages[0].content, /Answer briefly\./);
  assert.match(provider.requests[1]!.body.messages.at(-1).content, /The lamp is on/);
});

aloud("the agents SDK is interrupted by a voice, and history keeps what was heard", async () => {
  await using stack = new AsyncDisposableStack();
  const long = Array.from({ length: 12 }, (_, i) => `This is sentence number ${i + 1} of a long story. `);
  const { server, provider } = await start(stack, [{ tokens: long }, { tokens: ["Your order is ready."] }]);
  const url = `${server.url.replace("http", "ws")}/v1/realtime?model=gpt-realtime`;
  const sound = joined([await spoken(ASKED), silence(1500)]).toBase64();
  const talked = await runForeign<Talked>(
    `${AGENTS}
session.sendMessage("Tell me a story");
await came("response.output_audio.delta", 100);
await speak((piece) => session.sendAudio(piece.buffer));
await came("response.done", 2);
${AGENTS_END}`,
    { url, key: USER_KEY, sound },
  );
  assert.deepEqual(talked.errors, []);
  assert.ok(talked.interrupted! > 0);
  assert.ok(talked.types.includes("conversation.item.truncated"));
  const [, story, asked, answer] = talked.history!;
  const kept = story!.content![0]!.transcript!.replace(/…$/, "").trimEnd();
  assert.ok(kept.length > 0 && kept.length < 120 && long.join("").startsWith(kept), kept);
  assert.deepEqual([story!.status, asked!.role, answer!.content![0]!.transcript], [
    "incomplete",
    "user",
    "Your order is ready.",
  ]);
  const told = provider.requests.at(-1)!.body.messages;
  assert.equal(told.at(-2).content, story!.content![0]!.transcript, "the model is told what was heard");
  assert.equal(told.at(-1).content, ASKED);
});

for (
  const [way, open] of [
    [
      "ws",
      `import "npm:ws@8.23.0";
import { OpenAIRealtimeWS } from "npm:openai@7.57.0/realtime/ws";
const make = (client) => new OpenAIRealtimeWS({ model: "gpt-realtime" }, client);`,
    ],
    [
      "websocket",
      `import { OpenAIRealtimeWebSocket } from "npm:openai@7.57.0/realtime/websocket";
const make = (client) => new OpenAIRealtimeWebSocket({ model: "gpt-realtime", dangerouslyAllowBrowser: true }, client);`,
    ],
  ] as const
) {
  aloud(`OpenAI's library speaks by hand and hears the answer, by its ${way}`, async () => {
    await using stack = new AsyncDisposableStack();
    const { server, grammar } = await start(stack, { tokens: ["Your order ", "is ready."] });
    // This library speaks over TLS alone.
    const { cert_file: ca, key_file } = stack.use(await makeCertificate());
    const [cert, key] = await Promise.all([ca, key_file].map((file) => Deno.readTextFile(file)));
    const tls = { cert: cert!, key: key! };
    const { address } = stack.use(
      listen(server.app.fetch, { host: "127.0.0.1", port: 0, tls, onError: () => new Response(null, { status: 500 }) }),
    );
    const talked = await runForeign<Talked>(
      `${open}
import OpenAI from "npm:openai@7.57.0";
${SPEAK}
const client = new OpenAI({ apiKey: input.key, baseURL: input.url, dangerouslyAllowBrowser: true });
const types = [], sound = [], errors = [];
const rt = make(client);
rt.on("event", ({ type }) => types.push(type));
rt.on("error", (error) => errors.push(String(error)));
rt.on("session.created", () => rt.send({
  type: "session.update",
  session: { type: "realtime", audio: { input: { turn_detection: null } } },
}));
rt.on("session.updated", () => {
  rt.send({ type: "input_audio_buffer.append", audio: input.sound });
  rt.send({ type: "input_audio_buffer.commit" });
  rt.send({ type: "response.create" });
});
rt.on("response.output_audio.delta", ({ delta }) => sound.push(Uint8Array.fromBase64(delta)));
rt.on("response.done", () => report({ types, errors, sound: together(sound) }));
`,
      { url: `${address}/v1`, key: USER_KEY, sound: (await spoken(ASKED)).toBase64() },
      { ca },
    );
    assert.deepEqual(talked.errors, []);
    assert.ok(talked.types.includes("conversation.item.input_audio_transcription.completed"));
    assert.deepEqual(await understoodIn(Uint8Array.fromBase64(talked.sound), grammar), ["your order is ready"]);
  });
}
