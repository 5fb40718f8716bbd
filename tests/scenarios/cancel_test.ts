/**
 * Stopping a run: by asking for it, and by leaving.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { openLibsqlStore } from "../../src/adapters/libsql/store.ts";
import { textsOf } from "../support/events.ts";
import { watchLag } from "../support/lag.ts";
import { createMemoryLog } from "../support/model_request.ts";
import { note } from "../support/note.ts";
import { type ProviderRequest, type Script, startProvider } from "../support/provider.ts";
import { pickSeed, Random } from "../support/random.ts";
import { ADMIN_KEY, startServer, type TestServer } from "../support/server.ts";
import { ask, eventsOf, type Json, until, untilStatus } from "../support/story.ts";

const DELAY = 5;
const RUNS_A_DOOR = 5;
/** Long enough that a server notices nobody's leaving before it has sent headers. */
const PADDING = "Please think about it carefully. ".repeat(64);

/** What is asked for: `<name> <tokens> <milliseconds before the first> …`. */
const script: Script = (request) => {
  const [, tokens, hang] = saidIn(request).split(" ");
  return { tokens: Number(tokens), delay: DELAY, hang: Number(hang) };
};

function saidIn({ body }: ProviderRequest): string {
  return body.messages.at(-1).content;
}

/** How many tokens may still come after a cancellation: those of 100 ms, and of what this process was late. */
function tolerated(lag: { most: number }): number {
  return Math.ceil((100 + lag.most) / DELAY) + 1;
}

type Door = "chat_stream" | "run_create" | "chat_send";
const DOORS: readonly Door[] = ["chat_stream", "run_create", "chat_send"];

interface Asked {
  message: string;
  on_disconnect: "cancel" | "continue";
  signal: AbortSignal;
}

/** Asks through `door`. Resolves with the answer's headers. */
async function open(server: TestServer, door: Door, { message, signal, on_disconnect }: Asked): Promise<Response> {
  const rest = { on_disconnect, metadata: { name: message.split(" ")[0] } };
  switch (door) {
    case "chat_stream":
      return await server.request("POST", "/chat/stream", { body: { message, ...rest }, signal });
    case "chat_send":
      return await server.request("POST", "/chat", { body: { message, ...rest }, signal });
    case "run_create": {
      const { id } = await ask(server, "POST /conversations", { body: {} });
      await ask(server, `POST /conversations/${id}/messages`, { body: { role: "user", content: message } });
      return await server.request("POST", `/conversations/${id}/runs`, { body: { stream: true, ...rest }, signal });
    }
  }
}

async function findRun(server: TestServer, name: string): Promise<Json> {
  const { data } = await ask(server, "GET /runs?limit=100", { key: ADMIN_KEY });
  return data.find(({ metadata }: Json) => metadata.name === name);
}

/** What a run that was cancelled while its model spoke has to leave behind. */
async function assertCancelled(server: TestServer, run_id: string, reason: string): Promise<void> {
  const run = await untilStatus(server, run_id, "cancelled");
  const events = await eventsOf(server, run_id);
  assert.deepEqual(events.map(({ id }) => id), events.map((_, n) => n + 1));
  const ends = events.filter(({ type }) => /^run\.(completed|failed|cancelled)$/.test(type));
  assert.deepEqual(ends.map(({ type }) => type), ["run.cancelled"]);
  assert.deepEqual(events.at(-1), ends[0]);
  assert.deepEqual([ends[0]!.data.reason, ends[0]!.data.usage], [reason, run.usage]);
  assert.ok(run.usage.output_tokens > 0 && run.usage.input_tokens > 0, "usage so far is kept");
  assert.ok(run.cancel_requested_at && run.ended_at);
  const [text] = textsOf(events).values();
  const { data: [, said, ...others] } = await ask(server, `GET /conversations/${run.conversation_id}/messages`);
  assert.deepEqual([said.role, said.content, said.metadata, others], ["assistant", text, { incomplete: true }, []]);
  assert.deepEqual(events.at(-2)!.data.message, { id: said.id, role: "assistant", content: text });
  const { data: [step] } = await ask(server, `GET /runs/${run_id}/steps`);
  assert.equal(step.status, "cancelled");
}

/** Every run of `data_dir` has one call of a model, which was cancelled and has its usage. */
async function assertCallsKept(data_dir: string, count: number): Promise<void> {
  await using store = await openLibsqlStore({ path: `${data_dir}/muxi.db`, log: createMemoryLog() });
  const calls = await store.read({ from: "model_calls", limit: 1000 });
  assert.equal(calls.length, count);
  for (const { outcome, provider, output_tokens } of calls) {
    assert.deepEqual([outcome, provider, output_tokens > 0], ["cancelled", "openai", true]);
  }
}

/** Tells `story` for several runs of each door at once, in a folder that outlives the server. */
async function throughDoors(
  settings: { hang: number; tokens: number },
  story: (context: {
    server: TestServer;
    door: Door;
    message: string;
    random: Random;
    asked: () => Promise<ProviderRequest>;
  }) => Promise<void>,
  doors: readonly Door[] = DOORS,
): Promise<{ data_dir: string; runs: number } & AsyncDisposable> {
  const seed = pickSeed();
  note(`seed ${seed} (TEST_SEED repeats it)`);
  const random = new Random(seed);
  const data_dir = await Deno.makeTempDir({ prefix: "muxi-cancel-" });
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(data_dir, { recursive: true }));
  await using provider = await startProvider({ script });
  await using server = await startServer({ provider: provider.url, data_dir });
  const told = doors.flatMap((door) =>
    Array.from({ length: RUNS_A_DOOR }, async (_, n) => {
      const message = `${door}${n} ${settings.tokens} ${settings.hang} ${PADDING}`;
      const find = () => provider.requests.find((request) => saidIn(request) === message);
      await story({ server, door, message, random, asked: () => until("the model is asked", find) });
    })
  );
  await Promise.all(told);
  assert.equal(provider.active, 0);
  const kept = stack.move();
  return { data_dir, runs: told.length, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

Deno.test("from the acknowledgement of a cancellation on the model says nothing more, and what it said is kept", async () => {
  await using told = await throughDoors({ hang: 0, tokens: 1000 }, async ({ server, door, message, random, asked }) => {
    const gone = new AbortController();
    const answer = open(server, door, { message, on_disconnect: "continue", signal: gone.signal });
    const request = await asked();
    const after = random.whole(3, 60);
    await until("the model speaks", () => request.tokens_sent >= after);
    const { id } = await findRun(server, message.split(" ")[0]!);
    const cancelled = await ask(server, `POST /runs/${id}/cancel`, { body: { reason: "I know enough" }, status: 202 });
    const sent = request.tokens_sent;
    using lag = watchLag();
    assert.ok(["running", "cancelled"].includes(cancelled.status));
    await request.settled;
    assert.ok(request.closed_at !== null && request.tokens_unsent > 0, "the provider's connection is closed");
    assert.ok(request.tokens_sent - sent <= tolerated(lag), `${request.tokens_sent - sent} tokens more`);
    await assertCancelled(server, id, "I know enough");
    const again = await ask(server, `POST /runs/${id}/cancel`, { body: {}, status: 202 });
    assert.equal(again.status, "cancelled");
    const text = await (await answer).text();
    if (door === "chat_send") {
      const { status, usage } = JSON.parse(text);
      assert.deepEqual([status, usage.output_tokens > 0], ["cancelled", true]);
    } else assert.match(text, /event: run\.cancelled\ndata: .*\n\n$/);
  });
  await assertCallsKept(told.data_dir, told.runs);
});

Deno.test("who leaves with on_disconnect: cancel stops the model", async () => {
  await using told = await throughDoors({ hang: 0, tokens: 1000 }, async ({ server, door, message, random, asked }) => {
    const gone = new AbortController();
    const answer = await open(server, door, { message, on_disconnect: "cancel", signal: gone.signal });
    const request = await asked();
    const after = random.whole(3, 60);
    await until("the model speaks", () => request.tokens_sent >= after);
    gone.abort();
    const sent = request.tokens_sent;
    using lag = watchLag();
    await answer.body?.cancel().catch(() => {});
    await request.settled;
    assert.ok(request.closed_at !== null && request.tokens_unsent > 0, "the provider's connection is closed");
    assert.ok(request.tokens_sent - sent <= tolerated(lag), `${request.tokens_sent - sent} tokens more`);
    const { id } = await findRun(server, message.split(" ")[0]!);
    await assertCancelled(server, id, "the caller disconnected");
  });
  await assertCallsKept(told.data_dir, told.runs);
});

Deno.test("who leaves before the first word of a collected answer is missed at the first word", async () => {
  await using told = await throughDoors({ hang: 300, tokens: 1000 }, async ({ server, door, message, asked }) => {
    const gone = new AbortController();
    const answer = open(server, door, { message, on_disconnect: "cancel", signal: gone.signal });
    answer.catch(() => {});
    const request = await asked();
    gone.abort();
    await until("the first word", () => request.tokens_sent > 0);
    using lag = watchLag();
    await request.settled;
    assert.ok(request.closed_at !== null && request.tokens_sent <= tolerated(lag), `${request.tokens_sent} tokens`);
    const { id } = await findRun(server, message.split(" ")[0]!);
    await assertCancelled(server, id, "the caller disconnected");
  }, ["chat_send"]);
  await assertCallsKept(told.data_dir, told.runs);
});

Deno.test("who leaves with on_disconnect: continue stops nothing", async () => {
  await using _ = await throughDoors({ hang: 0, tokens: 60 }, async ({ server, door, message, random, asked }) => {
    const gone = new AbortController();
    const answer = await open(server, door, { message, on_disconnect: "continue", signal: gone.signal });
    const request = await asked();
    const after = random.whole(1, 30);
    await until("the model speaks", () => request.tokens_sent >= after);
    gone.abort();
    await answer.body?.cancel().catch(() => {});
    const { id, conversation_id } = await findRun(server, message.split(" ")[0]!);
    await untilStatus(server, id, "completed");
    assert.deepEqual([request.tokens_sent, request.closed_at], [60, null]);
    const { data: [, said] } = await ask(server, `GET /conversations/${conversation_id}/messages`);
    const [text] = textsOf(await eventsOf(server, id)).values();
    assert.deepEqual([said.content, said.metadata], [text, {}]);
  });
});
