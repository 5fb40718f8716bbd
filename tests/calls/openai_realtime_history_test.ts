/**
 * The history of a call is changed in its course: by OpenAI's own agents SDK, unmodified, and event by event.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { good } from "../support/calls.ts";
import { runForeign } from "../support/foreign_program.ts";
import { type Provider, type Script, startProvider } from "../support/provider.ts";
import { RealtimeSocket } from "../support/realtime_socket.ts";
import { startSpeechServer } from "../support/speech_server.ts";
import { type ServerOptions, startServer, USER_KEY } from "../support/server.ts";
import { createAgent, type Json } from "../support/story.ts";
import { scriptedToolbox } from "../support/toolbox.ts";

const TALK = { query: "model=gpt-realtime" };

async function start(
  stack: AsyncDisposableStack,
  script: Script,
  { settings = {}, ...options }: Pick<ServerOptions, "settings" | "ports"> = {},
) {
  const provider = stack.use(await startProvider({ script }));
  const engines = stack.use(await startSpeechServer({ instant: { text: "never said" } }));
  const engine = { engine: "openai", base_url: engines.url, api_key: "sk-x", model: "instant" };
  const server = stack.use(
    await startServer({
      ...options,
      provider: provider.url,
      settings: { rtc: { host: "127.0.0.1", port: 0 }, speech: { stt: engine, tts: engine }, ...settings },
    }),
  );
  return { provider, server, engines };
}

/** What the model was told the last time, without what the agent is told always. */
function told({ requests }: Provider): string[] {
  const { messages } = requests.at(-1)!.body;
  return messages.slice(messages[0].role === "system" ? 1 : 0).map(({ role, content }: Json) => `${role}: ${content}`);
}

/** An item of the client's history. */
interface Shown {
  type: string;
  itemId: string;
  role?: string;
  name?: string;
  status?: string;
  output?: string;
  content?: { text?: string; transcript?: string }[];
}

interface Talked {
  types: string[];
  errors: string[];
  histories: Shown[][];
}

const lines = (history: Shown[]) =>
  history.map(({ role, name, content, output }) => {
    return `${role ?? name}: ${content?.map(({ text, transcript }) => text ?? transcript).join("") ?? output}`;
  });

/** `steps` is what the program does once it is connected. */
function program(steps: string): string {
  return `
import { OpenAIRealtimeWebSocket, RealtimeAgent, RealtimeSession } from "npm:@openai/agents-realtime@0.20.0";
const types = [], errors = [], histories = [];
const agent = new RealtimeAgent({ name: "helper", instructions: "Answer briefly." });
const transport = new OpenAIRealtimeWebSocket({ url: input.url });
const session = new RealtimeSession(agent, { transport, model: "gpt-realtime", tracingDisabled: true });
transport.on("*", ({ type }) => types.push(type));
session.on("error", (event) => errors.push(JSON.stringify(event)));
const came = (type, count = 1) =>
  until(count + " of " + type, () => types.filter((one) => one === type).length >= count, () => ({ types, errors }));
const shown = (what, found) => until(what, () => found(session.history), () => ({ history: session.history, errors }));
const ask = async (text, count) => {
  session.sendMessage(text);
  await came("response.done", count);
};
await session.connect({ apiKey: input.key });
${steps}
session.close();
report({ types, errors, histories });
`;
}

Deno.test("the agents SDK deletes, changes and inserts, is told so, and the model reads the history as it is then", async () => {
  await using stack = new AsyncDisposableStack();
  const answers = ["Hello Ann.", "Rome is lovely.", "You are Bea."];
  const { provider, server } = await start(stack, answers.map((text) => ({ tokens: [text] })));
  const { errors, types, histories: [before, after, last] } = await runForeign<Talked>(
    program(`
await ask("My name is Ann", 1);
await ask("I live in Rome", 2);
histories.push(session.history);
const [name, hello] = session.history;
const note = { itemId: "note", type: "message", role: "system", content: [{ type: "input_text", text: "She is new here" }] };
const changed = { ...name, content: [{ type: "input_text", text: "My name is Bea" }] };
session.updateHistory([note, changed, hello]);
await came("conversation.item.deleted", 3);
await shown("the note and the other name", (history) => history.length === 3 && history[0].itemId === "note");
histories.push(session.history);
await ask("Who am I?", 3);
histories.push(session.history);
`),
    { url: `${server.url.replace("http", "ws")}/v1/realtime?${TALK.query}`, key: USER_KEY },
  );
  assert.deepEqual(errors, []);
  assert.ok(!types.includes("error"));
  assert.deepEqual(lines(before!), [
    "user: My name is Ann",
    "assistant: Hello Ann.",
    "user: I live in Rome",
    "assistant: Rome is lovely.",
  ]);
  const changed = ["system: She is new here", "user: My name is Bea", "assistant: Hello Ann."];
  assert.deepEqual(lines(after!), changed);
  assert.deepEqual(lines(last!), [...changed, "user: Who am I?", "assistant: You are Bea."]);
  // What stands before everything joins what the agent is told always.
  assert.match(provider.requests.at(-1)!.body.messages[0].content, /She is new here$/);
  assert.deepEqual(told(provider), [...changed.slice(1), "user: Who am I?"]);
  const { data: [{ conversation_id }] } = await good<Json>(await server.request("GET", "/rtc/sessions"));
  const { data } = await good<Json>(await server.request("GET", `/conversations/${conversation_id}/messages`));
  assert.deepEqual(
    data.map(({ content }: Json) => content),
    [
      "My name is Ann",
      "Hello Ann.",
      "I live in Rome",
      "Rome is lovely.",
      "She is new here",
      "My name is Bea",
      "Who am I?",
      "You are Bea.",
    ],
    "what was said stays on record",
  );
});

Deno.test("the agents SDK follows a call of a tool of the server, and takes it out of the history", async () => {
  await using stack = new AsyncDisposableStack();
  const toolbox = scriptedToolbox({ clock: { act: () => ({ result: "noon", is_error: false }) } });
  const { provider, server } = await start(stack, [
    { tokens: ["Let me see."], tool_calls: [{ name: "clock", arguments: {} }] },
    { tokens: ["It is noon."] },
    { tokens: ["Nobody knows."] },
  ], { ports: { toolbox } });
  await createAgent(server, "watch", { allowed_tools: ["clock"] });
  const { errors, types, histories: [called] } = await runForeign<Talked>(
    program(`
await ask("What time is it?", 1);
await came("conversation.item.retrieved");
await shown("a call that is over", (history) => history.some(({ type, status }) => type === "mcp_call" && status === "completed"));
histories.push(session.history);
session.updateHistory((history) => history.filter(({ type }) => type !== "mcp_call"));
await came("conversation.item.deleted");
// The second response is the empty one that answers its asking to go on after the call.
await ask("Are you sure?", 3);
`),
    { url: `${server.url.replace("http", "ws")}/v1/realtime?model=watch`, key: USER_KEY },
  );
  assert.deepEqual(errors, []);
  assert.deepEqual(lines(called!), [
    "user: What time is it?",
    "assistant: Let me see.",
    "clock: noon",
    "assistant: It is noon.",
  ]);
  const steps = types.filter((type) => type.startsWith("response.mcp_call"));
  assert.deepEqual(steps, [
    "response.mcp_call_arguments.done",
    "response.mcp_call.in_progress",
    "response.mcp_call.completed",
  ]);
  assert.equal(provider.requests[1]!.body.messages.at(-1).role, "tool");
  assert.deepEqual(told(provider), [
    "user: What time is it?",
    "assistant: Let me see.",
    "assistant: It is noon.",
    "user: Are you sure?",
  ]);
});

Deno.test("what the model said before it called a tool is deleted without the call", async () => {
  await using stack = new AsyncDisposableStack();
  const toolbox = scriptedToolbox({ clock: { act: () => ({ result: "noon", is_error: false }) } });
  const { provider, server } = await start(stack, [
    { tokens: ["Let me see."], tool_calls: [{ name: "clock", arguments: {} }] },
    { tokens: ["It is noon."] },
    { tokens: ["Yes."] },
  ], { ports: { toolbox } });
  await createAgent(server, "watch", { allowed_tools: ["clock"] });
  using socket = await RealtimeSocket.open(server, { query: "model=watch" });
  await socket.next("session.created");
  type(socket, "What time is it?");
  await socket.next("response.done");
  const spoken = socket.events.find(({ type, item }) => type === "conversation.item.done" && item.role === "assistant");
  socket.send({ type: "conversation.item.delete", item_id: spoken!.item.id });
  await socket.next("conversation.item.deleted");
  type(socket, "Are you sure?");
  await socket.next("response.done", 2);
  const { messages } = provider.requests.at(-1)!.body;
  const at = messages.findIndex(({ tool_calls }: Json) => tool_calls !== undefined);
  assert.deepEqual([messages[at].content || null, messages[at + 1].role], [null, "tool"]);
});

Deno.test("hundreds of items are deleted and made anew at once", async () => {
  await using stack = new AsyncDisposableStack();
  const { provider, server } = await start(stack, { tokens: ["Yes."] });
  using socket = await RealtimeSocket.open(server, TALK);
  await socket.next("session.created");
  const names = (round: string) => Array.from({ length: 90 }, (_, at) => `${round}_${at}`);
  const make = (round: string) => {
    for (const id of names(round)) {
      const item = { type: "message", id, role: "user", content: [{ type: "input_text", text: id }] };
      socket.send({ type: "conversation.item.create", item });
    }
  };
  const rounds = ["a", "b", "c"];
  for (const [at, round] of rounds.entries()) {
    make(round);
    socket.send({ type: "response.create" });
    await socket.next("response.done", at + 1);
  }
  for (const item_id of rounds.flatMap(names)) socket.send({ type: "conversation.item.delete", item_id });
  make("d");
  type(socket, "Well?");
  await socket.next("response.done", 4);
  assert.deepEqual(refusals(socket), []);
  const asked = told(provider).filter((line) => line.startsWith("user"));
  assert.deepEqual(asked, [...names("d"), "Well?"].map((text) => `user: ${text}`));
});

Deno.test("a client can't bring a call of the server's tools again, and no two calls of one id are read", async () => {
  await using stack = new AsyncDisposableStack();
  const toolbox = scriptedToolbox({ clock: { act: () => ({ result: "noon", is_error: false }) } });
  const { provider, server } = await start(stack, [
    { tokens: ["Let me see."], tool_calls: [{ name: "clock", arguments: {} }] },
    { tokens: ["It is noon."] },
    { tokens: ["Yes."] },
  ], { ports: { toolbox } });
  await createAgent(server, "watch", { allowed_tools: ["clock"] });
  using socket = await RealtimeSocket.open(server, { query: "model=watch" });
  await socket.next("session.created");
  type(socket, "What time is it?");
  await socket.next("response.done");
  const { id } = socket.events.find(({ item }) => item?.type === "mcp_call")!.item;
  const call_id = id.slice("mcp_".length);
  const create = (item: Json) => socket.send({ type: "conversation.item.create", item });
  create({ type: "function_call", call_id, name: "clock", arguments: "{}" });
  create({ type: "function_call_output", call_id, output: "midnight" });
  type(socket, "Are you sure?");
  await socket.next("response.done", 2);
  assert.deepEqual(refusals(socket), ["item.call_id", "item.call_id"]);
  const { messages } = provider.requests.at(-1)!.body;
  assert.equal(messages.flatMap(({ tool_calls = [] }: Json) => tool_calls).length, 1);
  assert.deepEqual(told(provider).filter((line) => line.startsWith("tool")), ['tool: "noon"']);
});

/** What of the client's own events was refused. */
function refusals({ events }: RealtimeSocket): string[] {
  return events.flatMap(({ type, error }) =>
    type === "error" && error.type === "invalid_request_error" ? error.param : []
  );
}

/** Asks in writing. */
function type(socket: RealtimeSocket, text: string): void {
  const item = { type: "message", role: "user", content: [{ type: "input_text", text }] };
  socket.send({ type: "conversation.item.create", item });
  socket.send({ type: "response.create" });
}

Deno.test("behind the beginning of a response its client is told what is left of its requests", async () => {
  await using stack = new AsyncDisposableStack();
  const limits = { enabled: true, classes: { run: { per_second: 1 / 600, burst: 10 } } };
  const { server } = await start(stack, { tokens: ["Noon."] }, { settings: { limits } });
  using socket = await RealtimeSocket.open(server, TALK);
  await socket.next("session.created");
  const left: number[] = [];
  for (const count of [1, 2]) {
    type(socket, "What time is it?");
    const { rate_limits } = await socket.next("rate_limits.updated", count);
    const [{ name, limit, remaining, reset_seconds }, ...others] = rate_limits;
    assert.deepEqual([name, limit, others], ["requests", 10, []]);
    assert.ok(reset_seconds > 0 && reset_seconds <= 6000, `${reset_seconds}`);
    left.push(remaining);
    await socket.next("response.done", count);
  }
  assert.equal(left[1], left[0]! - 1);
  const types = socket.events.map(({ type }) => type);
  assert.equal(types[types.indexOf("rate_limits.updated") - 1], "response.created");
});

Deno.test("where nothing is limited nobody is told of limits", async () => {
  await using stack = new AsyncDisposableStack();
  const { server } = await start(stack, { tokens: ["Noon."] });
  using socket = await RealtimeSocket.open(server, TALK);
  await socket.next("session.created");
  type(socket, "What time is it?");
  await socket.next("response.done");
  assert.ok(!socket.events.some(({ type }) => type === "rate_limits.updated"));
});

Deno.test("an engine that fails to hear is a transcription that failed, and the call goes on", async () => {
  await using stack = new AsyncDisposableStack();
  const { provider, server, engines } = await start(stack, { tokens: ["Noon."] });
  using socket = await RealtimeSocket.open(server, TALK);
  await socket.next("session.created");
  socket.send({ type: "session.update", session: { type: "realtime", audio: { input: { turn_detection: null } } } });
  await socket.next("session.updated");
  engines.fault({ status: 400, error: "This is no speech" });
  socket.send({ type: "input_audio_buffer.append", audio: new Uint8Array(24_000).fill(40).toBase64() });
  socket.send({ type: "input_audio_buffer.commit" });
  const { item_id } = await socket.next("input_audio_buffer.committed");
  const failed = await socket.next("conversation.item.input_audio_transcription.failed");
  assert.deepEqual([failed.item_id, failed.content_index], [item_id, 0]);
  assert.equal(typeof failed.error.message, "string");
  assert.equal(typeof failed.error.type, "string");
  engines.fault();
  type(socket, "What time is it?");
  await socket.next("response.done");
  assert.deepEqual(told(provider), ["user: What time is it?"]);
  assert.ok(!socket.events.some(({ type }) => type === "error"), "it is told once");
});
