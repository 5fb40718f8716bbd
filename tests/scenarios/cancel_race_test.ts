/**
 * Stopping runs that wait, that call tools, or that end at that moment.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { type Frame, streamFrames } from "../support/events.ts";
import { note } from "../support/note.ts";
import { type Provider, type ProviderRequest, startProvider } from "../support/provider.ts";
import { pickSeed, Random } from "../support/random.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { ask, createAgent, eventsOf, type Json, until, untilStatus } from "../support/story.ts";
import { scriptedToolbox } from "../support/toolbox.ts";

const FINAL = /^run\.(completed|failed|cancelled)$/;
const RACES = 200;
const AT_ONCE = 20;

function cancel(server: TestServer, run_id: string, status?: number): Promise<Json> {
  return ask(server, `POST /runs/${run_id}/cancel`, { body: { reason: "never mind" }, ...status && { status } });
}

/** Starts a chat that goes on by itself, and gives its first event. */
async function start(server: TestServer, body: Record<string, unknown>, path = "/chat/stream"): Promise<Frame> {
  const response = await server.request("POST", path, { body });
  assert.equal(response.status, 200);
  for await (const frame of streamFrames(response)) return frame;
  return assert.fail("A run without events");
}

function saidIn({ body }: ProviderRequest): string {
  return body.messages.at(-1).content;
}

function typesOf(frames: readonly Frame[]): string[] {
  return frames.map(({ type }) => type).filter((type) => type !== "model.delta");
}

Deno.test("a queued run is cancelled at once, and neither what runs nor what waits behind it minds", async () => {
  await using provider = await startProvider({ script: { tokens: 100, delay: 5 } });
  await using server = await startServer({ provider: provider.url });
  const first = (await start(server, { message: "First" })).data;
  const { conversation_id } = first;
  const second = (await start(server, { message: "Second", conversation_id })).data.run_id;
  const third = (await start(server, { message: "Third", conversation_id })).data.run_id;
  const run = await cancel(server, second, 202);
  assert.deepEqual([run.status, run.started_at], ["cancelled", null]);
  assert.deepEqual(typesOf(await eventsOf(server, second)), ["run.queued", "run.cancelled"]);
  assert.equal((await ask(server, `GET /runs/${first.run_id}`)).status, "running");
  await untilStatus(server, third, "completed");
  assert.equal((await ask(server, `GET /runs/${first.run_id}`)).status, "completed");
  assert.equal(provider.count, 2, "the cancelled run asked no model");
});

Deno.test("when the running run is cancelled, the next one begins", async () => {
  await using provider = await startProvider({ script: [{ hang: true }, { tokens: ["Second"] }] });
  await using server = await startServer({ provider: provider.url });
  const { run_id, conversation_id } = (await start(server, { message: "First" })).data;
  const second = (await start(server, { message: "Second", conversation_id })).data.run_id;
  const asked = await provider.received();
  await cancel(server, run_id, 202);
  await asked.settled;
  assert.notEqual(asked.closed_at, null);
  await untilStatus(server, second, "completed");
  assert.equal((await eventsOf(server, run_id)).at(-1)!.data.reason, "never mind");
});

Deno.test("cancelling a run that calls a tool tells the tool, and the run ends", async () => {
  const toolbox = scriptedToolbox({
    obedient: {
      act: (_, signal) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    },
    deaf: { act: () => new Promise(() => {}) },
  });
  const tool_calls = [{ name: "obedient", arguments: {} }, { name: "deaf", arguments: {} }];
  await using provider = await startProvider({ script: { tokens: ["Let me see"], tool_calls } });
  await using server = await startServer({ provider: provider.url, ports: { toolbox } });
  await createAgent(server, "worker", { allowed_tools: ["*"] });
  const { run_id } = (await start(server, { message: "Work" }, "/agents/worker/chat/stream")).data;
  await until("both tools are called", () => toolbox.calls.length === 2);
  await cancel(server, run_id, 202);
  const run = await untilStatus(server, run_id, "cancelled");
  assert.deepEqual(toolbox.calls.map(({ cancelled }) => cancelled), [true, true]);
  const events = await eventsOf(server, run_id);
  assert.equal(events.filter(({ type }) => FINAL.test(type)).length, 1);
  assert.deepEqual([events.at(-1)!.type, events.at(-1)!.data.reason], ["run.cancelled", "never mind"]);
  assert.ok(run.usage.output_tokens > 0, "what the model used before the tools is kept");
  const { data } = await ask(server, `GET /runs/${run_id}/steps`);
  assert.deepEqual(data.map(({ status }: Json) => status), ["completed", "cancelled"]);
  assert.deepEqual(data[1].tool_calls.map(({ status }: Json) => status), ["cancelled", "cancelled"]);
  assert.equal(provider.count, 1);
});

Deno.test("a run that waits for a person is cancelled at once, and nobody can decide any more", async () => {
  const toolbox = scriptedToolbox({ pay: { act: () => ({ result: "paid", is_error: false }) } });
  const script = [{ tool_calls: [{ name: "pay", arguments: {} }] }, { tokens: ["Next"] }];
  await using provider = await startProvider({ script });
  await using server = await startServer({ provider: provider.url, ports: { toolbox } });
  await createAgent(server, "payer", { allowed_tools: ["pay"], policies: { ask: ["pay"] } });
  const { run_id, conversation_id } = (await start(server, { message: "Pay" }, "/agents/payer/chat/stream")).data;
  await untilStatus(server, run_id, "waiting");
  const next = (await start(server, { message: "Or not", conversation_id })).data.run_id;
  assert.equal((await cancel(server, run_id, 202)).status, "cancelled");
  const events = await eventsOf(server, run_id);
  assert.deepEqual(typesOf(events).slice(-2), ["run.waiting", "run.cancelled"]);
  const [tool_call_id] = events.at(-2)!.data.tool_call_ids;
  await ask(server, `POST /runs/${run_id}/tool_calls/${tool_call_id}/decision`, {
    body: { decision: "approve" },
    status: 409,
  });
  await untilStatus(server, next, "completed");
  assert.deepEqual(toolbox.calls, []);
});

/** Cancels a run at a random moment, every second one right at its end. */
async function race(server: TestServer, provider: Provider, random: Random): Promise<"cancelled" | "completed"> {
  const leave = random.chance(0.3);
  const gone = new AbortController();
  const message = `Race ${random.next()}`;
  const body = { message, on_disconnect: leave ? "cancel" : "continue" };
  const response = await server.request("POST", "/chat/stream", { body, signal: gone.signal });
  const frames = streamFrames(response);
  const { run_id, conversation_id } = (await frames.next()).value!.data;
  const atEnd = random.chance(0.5);
  const asked = await until("the model is asked", () => provider.requests.find((one) => saidIn(one) === message));
  if (atEnd) await asked.settled;
  await new Promise((resolve) => setTimeout(resolve, random.next() * (atEnd ? 6 : 60)));
  let acknowledged: number | undefined;
  if (leave) gone.abort();
  else {
    const answer = await server.request("POST", `/runs/${run_id}/cancel`, { body: { reason: "never mind" } });
    acknowledged = answer.status;
    await answer.body?.cancel();
  }
  await frames.return(undefined).catch(() => {});
  const run = await until("the run is over", async () => {
    const found = await ask(server, `GET /runs/${run_id}`);
    return ["cancelled", "completed", "failed"].includes(found.status) ? found : null;
  });
  const events = await eventsOf(server, run_id);
  assert.deepEqual(events.map(({ id }) => id), events.map((_, n) => n + 1));
  assert.deepEqual(events.filter(({ type }) => FINAL.test(type)), [events.at(-1)]);
  assert.equal(events.at(-1)!.type, `run.${run.status}`);
  assert.deepEqual(events.at(-1)!.data.usage, run.usage);
  if (acknowledged !== undefined) assert.equal(acknowledged, run.status === "cancelled" ? 202 : 409);
  if (run.status === "cancelled") {
    assert.equal(events.at(-1)!.data.reason, leave ? "the caller disconnected" : "never mind");
  }
  const { data } = await ask(server, `GET /conversations/${conversation_id}/messages`);
  const told = events.filter(({ type }) => type === "message.completed").map(({ data }) => data.message.id);
  assert.deepEqual(data.slice(1).map(({ id }: Json) => id), told, "a message is stored once, if it is told of");
  return run.status;
}

Deno.test("a cancellation that races with the end is decided once, 200 times", async () => {
  const seed = pickSeed();
  const random = new Random(seed);
  await using provider = await startProvider({ script: { tokens: 12, delay: 2 } });
  await using server = await startServer({ provider: provider.url });
  const outcomes = { cancelled: 0, completed: 0 };
  let left = RACES;
  const racer = async () => {
    while (left-- > 0) outcomes[await race(server, provider, random)]++;
  };
  await Promise.all(Array.from({ length: AT_ONCE }, racer));
  note(`seed ${seed} (TEST_SEED repeats it): ${JSON.stringify(outcomes)}`);
  assert.equal(outcomes.cancelled + outcomes.completed, RACES);
  assert.ok(Math.min(outcomes.cancelled, outcomes.completed) >= RACES / 20, "both must happen");
});
