/**
 * What is spoken and typed in a call is the same conversation and the same log of events through every door, while the
 * call goes on and when it is over.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import type { Client } from "@modelcontextprotocol/client";
import { type Caller, openCaller, speechPackets } from "../support/caller.ts";
import { CallStory } from "../support/calls.ts";
import { connect, ERAS } from "../support/mcp_door.ts";
import { hasProgram } from "../support/parts.ts";
import { type Provider, type ProviderRequest, startProvider, type Step } from "../support/provider.ts";
import { startServer, type TestServer, USER_KEY } from "../support/server.ts";
import { startSpeechServer } from "../support/speech_server.ts";
import { ask, createAgent, framesOf, type Json, saidTo, until } from "../support/story.ts";
import { scriptedToolbox } from "../support/toolbox.ts";
import { within } from "../support/waiting.ts";

const SPOKEN = "what is the weather in london today";
const TYPED = "Thank you, and goodbye";
/** Sent over REST when the call is over. */
const WRITTEN = "What did I ask you?";
const ANSWERS: Record<string, string> = {
  [SPOKEN]: "It is sunny in London.",
  [TYPED]: "You are welcome.",
  [WRITTEN]: "You asked for the weather.",
};

/** Asks the tool when it was spoken to, and answers. */
function script({ body: { messages } }: ProviderRequest): Step {
  const { role, content } = messages.at(-1);
  if (content === SPOKEN) return { tool_calls: [{ name: "weather", arguments: { in: "London" } }] };
  return { tokens: ANSWERS[role === "tool" ? SPOKEN : content]!.split(/(?= )/), delay: 10 };
}

/** A way by which a call is followed. */
interface CallDoor {
  name: string;
  /** What it has told until now. */
  read(): Promise<Json[]> | Json[];
}

/** A way by which a conversation or run is read as it is now. */
interface StateDoor {
  name: string;
  conversation(id: string): Promise<Json>;
  run(id: string): Promise<Json>;
}

interface Scene {
  server: TestServer;
  provider: Provider;
  caller: Caller;
  calls: CallDoor[];
  states: StateDoor[];
  /** Resolves when the tool was called, which answers once it is let. */
  called: Promise<void>;
  answer(): void;
}

/** Joins a call over a WebSocket. What it is told goes into the list. */
async function join(stack: AsyncDisposableStack, server: TestServer, id: string): Promise<Json[]> {
  const url = `${server.url.replace("http", "ws")}/api/v1/rtc/sessions/${id}/attach`;
  const socket = new WebSocket(url, { headers: { authorization: `Bearer ${USER_KEY}` } });
  const told: Json[] = [];
  socket.onmessage = ({ data }) => void told.push(JSON.parse(data));
  stack.defer(async () => {
    socket.close();
    await until("the WebSocket is closed", () => socket.readyState === WebSocket.CLOSED);
  });
  await until("the WebSocket is open", () => socket.readyState === WebSocket.OPEN);
  return told;
}

async function resource(client: Client, uri: string): Promise<Json> {
  const { contents: [content] } = await client.readResource({ uri });
  return JSON.parse((content as { text: string }).text);
}

function stateDoors(server: TestServer, clients: ReadonlyMap<string, Client>): StateDoor[] {
  return [
    {
      name: "REST",
      conversation: (id) => ask(server, `GET /conversations/${id}`),
      async run(id) {
        const { data: steps } = await ask(server, `GET /runs/${id}/steps`);
        return { ...await ask(server, `GET /runs/${id}`), steps };
      },
    },
    ...[...clients].map(([era, client]): StateDoor => ({
      name: `MCP of ${era}`,
      conversation: (id) => resource(client, `muxi://conversations/${id}`),
      run: (id) => resource(client, `muxi://runs/${id}`),
    })),
  ];
}

/** A call of somebody without a browser, and everybody who may look at it. */
async function openScene(stack: AsyncDisposableStack): Promise<Scene> {
  const engines = stack.use(await startSpeechServer({ instant: { text: SPOKEN } }));
  const provider = stack.use(await startProvider({ script }));
  const engine = { engine: "openai", base_url: engines.url, api_key: "sk-x", model: "instant" };
  const [called, answer] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const weather = {
    async act() {
      called.resolve();
      await answer.promise;
      return { result: "sunny", is_error: false };
    },
  };
  const server = stack.use(
    await startServer({
      provider: provider.url,
      settings: { speech: { stt: engine, tts: engine } },
      ports: { toolbox: scriptedToolbox({ weather }) },
    }),
  );
  await createAgent(server, "speaker", { allowed_tools: ["*"] });
  const caller = stack.use(await openCaller(server, { body: { agent_id: "speaker" } }));
  const story = stack.use(new CallStory(server, caller.id));
  const told = await join(stack, server, caller.id);
  const clients = new Map<string, Client>();
  for (const era of ERAS) clients.set(era, stack.use(await connect(server, { era })));
  const calls: CallDoor[] = [
    { name: "the call's channel", read: () => caller.heard.messages.map((text) => JSON.parse(text)) },
    { name: "a WebSocket that joined the call", read: () => told },
    { name: "SSE of the call", read: () => story.events },
    { name: "REST of the call", read: async () => (await ask(server, `GET /rtc/sessions/${caller.id}/events`)).data },
  ];
  const states = stateDoors(server, clients);
  return { server, provider, caller, calls, states, called: called.promise, answer: answer.resolve };
}

/** Says the question, and that it is over: where a pause is long on a busy machine, it is still one turn. */
async function speak(caller: Caller): Promise<void> {
  const { sound } = await speechPackets(SPOKEN);
  caller.send({ type: "listen", turns: "by_hand" });
  await caller.say(sound);
  caller.send({ type: "commit" });
}

/** What every way of `ways` reads, once `holds` of all that is read. They must agree. */
async function sameOf(
  ways: { name: string; read(): Promise<Json[]> | Json[] }[],
  holds: (read: Json[]) => boolean,
): Promise<Json[]> {
  let all: Json[][] = [];
  const seen = () => ways.map(({ name }, n) => `${name}: ${JSON.stringify(all[n]?.at(-1))}`).join("\n");
  await until(seen, async () => (all = await Promise.all(ways.map(({ read }) => read()))).every(holds));
  for (const [n, { name }] of ways.entries()) assert.deepEqual(all[n], all[0], `${name} and ${ways[0]!.name}`);
  return all[0]!;
}

/** A run's log through every door, up to an event of type `last`. */
function sameLog({ server, calls }: Scene, run_id: string, last: string): Promise<Json[]> {
  const ofRun = (told: Json[]) =>
    told.filter(({ type, data }) => type === "run.event" && data.run_id === run_id)
      .map(({ data: { seq, event, data } }) => ({ seq, event, data }));
  return sameOf([
    { name: "SSE of the run", read: () => logOf(server, `${run_id}/events?follow=false`) },
    ...calls.map(({ name, read }) => ({ name, read: async () => ofRun(await read()) })),
  ], (read) => read.at(-1)?.event === last);
}

async function logOf(server: TestServer, path: string): Promise<Json[]> {
  const frames = await framesOf(server, `GET /runs/${path}`);
  return frames.map(({ id, type, data }) => ({ seq: id, event: type, data }));
}

/** What was said, by both sides, in a call through every door. */
function sameWords({ calls }: Scene, count: number): Promise<Json[]> {
  const words = (told: Json[]) =>
    told.filter(({ type }) => type === "transcript.final" || type === "agent.speaking")
      .map(({ type, data }) => ({ type, data }));
  return sameOf(
    calls.map(({ name, read }) => ({ name, read: async () => words(await read()) })),
    (read) => read.length >= count,
  );
}

/** What every door says of the conversation and its runs. They must agree. */
async function sameState({ states }: Scene, conversation_id: string, run_ids: string[]): Promise<Json> {
  const read = async ({ conversation, run }: StateDoor) => ({
    conversation: await conversation(conversation_id),
    runs: await Promise.all(run_ids.map(run)),
  });
  const [first, ...others] = await Promise.all(states.map(read));
  for (const [n, other] of others.entries()) assert.deepEqual(other, first, `${states[n + 1]!.name} and REST`);
  return first;
}

/** Goes on over REST, after the call, with what was said in it. */
async function goOn(scene: Scene, { conversation: { id, messages }, runs }: Json): Promise<void> {
  const { run_id } = await ask(scene.server, "POST /chat", { body: { conversation_id: id, message: WRITTEN } });
  const known = saidTo(scene.provider.requests.at(-1)!).filter((line) => /^(user|assistant): (?!null$)/.test(line));
  assert.deepEqual(known, [
    ...[SPOKEN, TYPED].flatMap((asked) => [`user: ${asked}`, `assistant: ${ANSWERS[asked]}`]),
    `user: ${WRITTEN}`,
  ]);
  const { conversation } = await sameState(scene, id, [...runs.map(({ id }: Json) => id), run_id]);
  assert.deepEqual(conversation.messages.slice(0, messages.length), messages);
  assert.equal(conversation.messages.at(-1).content, ANSWERS[WRITTEN]);
}

Deno.test({
  name: "a call's words are the same through every door, while it goes on and when it is over",
  ignore: !["espeak-ng", "ffmpeg"].every(hasProgram),
  async fn() {
    await using stack = new AsyncDisposableStack();
    const scene = await openScene(stack);
    const { server, caller } = scene;

    await speak(caller);
    await within("a call of the tool", scene.called);
    // The answer has begun, and waits for its tool.
    const spoken_run = String((await caller.told("run.event")).data.run_id);
    const followed = logOf(server, `${spoken_run}/events`);
    // What fails before its end is said, not that nobody waited for it.
    followed.catch(() => {});
    const { conversation_id } = await ask(server, `GET /rtc/sessions/${caller.id}`);
    const begun = await sameLog(scene, spoken_run, "tool.call.started");
    const [{ data: { turn_id, text } }] = await sameWords(scene, 1) as [Json];
    const early = await sameState(scene, conversation_id, [spoken_run]);
    const [question] = early.conversation.messages;
    assert.deepEqual([text, question.content, question.run_id], [SPOKEN, SPOKEN, spoken_run]);
    assert.deepEqual(question.metadata, { rtc_session_id: caller.id, turn_id, channel: "rtc" });
    assert.deepEqual([early.runs[0].status, early.runs[0].steps.at(-1).tool_calls[0].tool], ["running", "weather"]);

    scene.answer();
    await caller.told("agent.done");
    const spoken_log = await sameLog(scene, spoken_run, "run.completed");
    assert.deepEqual(spoken_log.slice(0, begun.length), begun, "what was told stays as it is");
    assert.deepEqual(spoken_log, await followed);

    const mark = caller.heard.messages.length;
    caller.send({ type: "text", text: TYPED });
    const typed_run = String((await caller.told("run.event", mark)).data.run_id);
    await caller.told("agent.done", mark);
    const typed_log = await sameLog(scene, typed_run, "run.completed");
    const said = await sameWords(scene, 4);
    assert.deepEqual(said.map(({ data }) => data.text), [SPOKEN, ANSWERS[SPOKEN], TYPED, ANSWERS[TYPED]]);
    assert.deepEqual(said.map(({ data }) => data.run_id).filter(Boolean), [spoken_run, typed_run]);
    const run_ids = [spoken_run, typed_run];
    const late = await sameState(scene, conversation_id, run_ids);
    assert.deepEqual(late.conversation.messages.slice(0, 2), early.conversation.messages);
    for (const [n, log] of [spoken_log, typed_log].entries()) {
      const { message } = log.find(({ event }) => event === "message.completed").data;
      const { id, content } = late.conversation.messages.findLast(({ run_id }: Json) => run_id === run_ids[n]);
      assert.deepEqual([message.id, message.content, content], [id, content, ANSWERS[n === 0 ? SPOKEN : TYPED]]);
    }

    await ask(server, `DELETE /rtc/sessions/${caller.id}`);
    assert.deepEqual(await logOf(server, `${spoken_run}/events`), spoken_log);
    assert.deepEqual(await logOf(server, `${typed_run}/events`), typed_log);
    assert.deepEqual(await sameState(scene, conversation_id, run_ids), late);
    await goOn(scene, late);
  },
});
