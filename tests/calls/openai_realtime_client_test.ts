/**
 * OpenAI's own client for browsers, unmodified, talks to an agent.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { aloud, good, inBrowser, speech, speechSettings } from "../support/calls.ts";
import { bundle, type Desk, openClient } from "../support/foreign_client.ts";
import { type Script, startProvider } from "../support/provider.ts";
import { startServer } from "../support/server.ts";
import { speechEnv, writeGrammar } from "../support/speech.ts";

declare const desk: Desk;

/** An item of the client's history. */
interface Shown {
  type: string;
  role?: string;
  status?: string;
  name?: string;
  arguments?: string;
  output?: string;
  content?: { type: string; text?: string; transcript?: string | null }[];
}

/** What the page's script offers. */
declare const talk: {
  /** Every event of the transport, by type. */
  log: string[];
  errors: string[];
  /** What the client's own tool was called with. */
  calls: unknown[];
  connect(options: { url: string; key: string }): Promise<number>;
  session: {
    sendMessage(text: string): void;
    interrupt(): void;
    close(): void;
    history: Shown[];
    transport: { callId: string };
  };
  until(type: string, count?: number): Promise<void>;
};

const CLIENT = `
import { OpenAIRealtimeWebRTC, RealtimeAgent, RealtimeSession, tool } from "npm:@openai/agents-realtime@0.20.0";
const talk = globalThis.talk = {
  log: [], errors: [], calls: [],
  async connect({ url, key }) {
    const mediaStream = await desk.open();
    const audioElement = new Audio();
    const transport = new OpenAIRealtimeWebRTC({ baseUrl: url, mediaStream, audioElement });
    const lamp = tool({
      name: "switch_lamp",
      description: "Switches the lamp",
      strict: false,
      parameters: { type: "object", properties: { on: { type: "boolean" } }, required: ["on"], additionalProperties: true },
      execute: async (input) => {
        talk.calls.push(input);
        return "The lamp is on";
      },
    });
    const agent = new RealtimeAgent({ name: "helper", instructions: "Answer briefly.", tools: [lamp] });
    talk.session = new RealtimeSession(agent, { transport });
    transport.on("*", (event) => talk.log.push(event.type));
    talk.session.on("error", (event) => talk.errors.push(JSON.stringify(event)));
    const began = performance.now();
    await talk.session.connect({ apiKey: key });
    talk.session.on("transport_event", () => {});
    if (audioElement.srcObject) desk.hear(audioElement.srcObject);
    return performance.now() - began;
  },
  async until(type, count = 1) {
    while (talk.log.filter((one) => one === type).length < count) await new Promise((done) => setTimeout(done, 10));
  },
};
`;

/** A server, a page with the client, and a secret that was made for it. */
async function start(
  stack: AsyncDisposableStack,
  { script, sound, speaking = {} }: {
    script: Script;
    sound?: Uint8Array<ArrayBuffer>;
    speaking?: Record<string, unknown>;
  },
) {
  const provider = stack.use(await startProvider({ script }));
  const { page, origin } = await openClient(stack, { script: await bundle(CLIENT), ...sound && { sound } });
  const server = stack.use(
    await startServer({
      provider: provider.url,
      variables: speechEnv(),
      settings: {
        rtc: { host: "127.0.0.1", port: 0 },
        server: { cors: { origins: [origin] } },
        speech: { stt: { engine: "none" }, tts: { engine: "none" } },
        ...speaking,
      },
    }),
  );
  const secret = await good<{ value: string }>(
    await server.request("POST", "^/v1/realtime/client_secrets", {
      body: { session: { type: "realtime", model: "gpt-realtime" } },
    }),
  );
  const url = `${server.url}/v1/realtime/calls`;
  const connect = () => page.evaluate((options) => talk.connect(options), { url, key: secret.value });
  return { provider, page, server, connect };
}

const text = ({ content = [] }: Shown) => content.map((part) => part.text ?? part.transcript).join();

inBrowser("it connects with a secret, types, calls its own tool, and its history is right", async () => {
  await using stack = new AsyncDisposableStack();
  const { page, provider, server, connect } = await start(stack, {
    script: [
      { tokens: ["Hello ", "there."] },
      { tool_calls: [{ name: "switch_lamp", arguments: { on: true } }] },
      { tokens: ["It is ", "on."] },
    ],
  });
  const took = await connect();
  assert.ok(took < 5000, `connecting is acknowledged, not given up on: ${took} ms`);
  await page.evaluate(() => talk.session.sendMessage("Who is there?"));
  await page.evaluate(() => talk.until("response.done"));
  const [first] = provider.requests;
  const roles = first!.body.messages.map(({ role }: { role: string }) => role);
  assert.deepEqual(roles, ["system", "user"]);
  assert.match(first!.body.messages[0].content, /Answer briefly\./);
  assert.deepEqual(first!.body.tools.map((one: { function: { name: string } }) => one.function.name), ["switch_lamp"]);
  await page.evaluate(() => talk.session.sendMessage("Light, please"));
  await page.evaluate(() => talk.until("response.done", 3));
  assert.deepEqual(await page.evaluate(() => talk.calls), [{ on: true }]);
  const last = provider.requests.at(-1)!.body.messages.slice(-2);
  assert.deepEqual(last.map(({ role }: { role: string }) => role), ["assistant", "tool"]);
  assert.match(last[1].content, /The lamp is on/);
  const history = await page.evaluate(() => talk.session.history);
  assert.deepEqual(history.map((item) => [item.type, item.role ?? item.name, item.status, item.output ?? text(item)]), [
    ["message", "user", "completed", "Who is there?"],
    ["message", "assistant", "completed", "Hello there."],
    ["message", "user", "completed", "Light, please"],
    ["function_call", "switch_lamp", "completed", "The lamp is on"],
    ["message", "assistant", "completed", "It is on."],
  ]);
  assert.deepEqual(await page.evaluate(() => talk.errors), []);
  const id = await page.evaluate(() => talk.session.transport.callId);
  const { conversation_id, dialect } = await good(await server.request("GET", `/rtc/sessions/${id}`));
  assert.equal(dialect, "openai");
  const { data } = await good<{ data: Shown[] }>(
    await server.request("GET", `/conversations/${conversation_id}/messages`),
  );
  assert.deepEqual(data.map(({ role }) => role), ["user", "assistant", "user", "assistant", "tool", "assistant"]);
});

aloud("it speaks, is answered aloud, and interrupts", async () => {
  await using stack = new AsyncDisposableStack();
  const grammar = stack.use(await writeGrammar());
  const long = Array.from({ length: 12 }, (_, i) => `This is sentence number ${i + 1} of a long story. `);
  const { page, connect } = await start(stack, {
    script: [{ tokens: long }, { tokens: ["Your order is ready."] }],
    sound: await speech("stop tell me a story"),
    speaking: speechSettings(grammar.path),
  });
  await connect();
  await page.evaluate(() => desk.play());
  await page.evaluate(() => talk.until("output_audio_buffer.started"));
  assert.equal(await page.evaluate(() => desk.loud()), true);
  await page.evaluate(() => talk.session.interrupt());
  await page.evaluate(() => talk.until("conversation.item.truncated"));
  await page.evaluate(() => talk.until("response.done"));
  await page.evaluate(() => talk.session.sendMessage("And my order?"));
  await page.evaluate(() => talk.until("response.done", 2));
  await page.evaluate(() => talk.until("output_audio_buffer.stopped"));
  const log = await page.evaluate(() => talk.log);
  const begun = log.filter((type) => type === "response.created").length;
  assert.equal(log.filter((type) => type === "response.done").length, begun, "what is created is done");
  const heard = [
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "conversation.item.input_audio_transcription.completed",
    "response.created",
    "output_audio_buffer.started",
    "output_audio_buffer.cleared",
    "conversation.item.truncated",
  ];
  assert.deepEqual(
    heard.map((type) => log.indexOf(type)),
    heard.map((type) => log.indexOf(type)).toSorted((a, b) => a - b),
  );
  const history = await page.evaluate(() => talk.session.history);
  assert.deepEqual(history.map(({ role, status }) => [role, status]), [
    ["user", "completed"],
    ["assistant", "incomplete"],
    ["user", "completed"],
    ["assistant", "completed"],
  ]);
  assert.equal(text(history[0]!), "stop tell me a story");
  const whole = long.join("");
  const said = text(history[1]!).replace(/…$/, "").trimEnd();
  assert.ok(said.length < whole.length / 2 && whole.startsWith(said), said);
  assert.deepEqual(await page.evaluate(() => talk.errors), []);
});
