/**
 * What is old goes, and the database stays bounded.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { openLibsqlStore } from "../../src/adapters/libsql/store.ts";
import type { Table } from "../../src/domain/table.ts";
import { createLog } from "../../src/kit/log.ts";
import { startProvider } from "../support/provider.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { ask, askAdmin, createAgent, eventsOf, framesOf, type Json, movableClock, until } from "../support/story.ts";
import { scriptedToolbox } from "../support/toolbox.ts";

const DAY = 86_400_000;
const STREAM = { accept: "text/event-stream" };
const silent = createLog({ level: "error", format: "text", write: () => {} });

/** How many rows there are, read past the server. */
async function count({ data_dir }: TestServer, ...tables: Table[]): Promise<number[]> {
  await using store = await openLibsqlStore({ path: `${data_dir}/muxi.db`, log: silent });
  return await Promise.all(tables.map(async (from) => (await store.sum({ from, sum: [], by: [] }))[0]?.count ?? 0));
}

/** A server whose time can be moved, with the number of sweeps that found something. */
async function aging(settings: Json = {}) {
  await using stack = new AsyncDisposableStack();
  const provider = stack.use(await startProvider({ script: { tokens: 30, delay: 1 } }));
  const clock = movableClock();
  const lines: string[] = [];
  const server = stack.use(
    await startServer({
      provider: provider.url,
      settings,
      ports: { clock },
      onLog: (line) => lines.push(line),
    }),
  );
  const sweeps = () => lines.filter((line) => line.includes("Removed what is no longer kept"));
  /** Moves time and waits for the sweep that this brings. */
  const age = async (ms: number) => {
    const before = sweeps().length;
    clock.move(ms);
    await until("a sweep", () => sweeps().length > before);
    return JSON.parse(sweeps().at(-1)!) as Record<string, number>;
  };
  const owned = stack.move();
  return { provider, server, clock, age, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

Deno.test("a run's deltas go as a whole, and old cursors are told so", async () => {
  await using story = await aging();
  const { server, age } = story;
  const { run_id } = await ask(server, "POST /chat", { body: { message: "Hello" } });
  const before = await eventsOf(server, run_id);
  const deltas = before.filter(({ type }) => type === "model.delta");
  assert.ok(deltas.length > 1);
  const last = deltas.at(-1)!.id!;
  const swept = await age(8 * DAY);
  assert.equal(swept.deltas, 1);
  for (const cursor of [0, 1, last - 1]) {
    const error = await ask(server, `GET /runs/${run_id}/events?starting_after=${cursor}`, {
      headers: STREAM,
      status: 410,
    });
    assert.deepEqual([error.error, error.details.first], ["GoneError", last]);
  }
  const rest = await framesOf(server, `GET /runs/${run_id}/events?starting_after=${last}`);
  assert.deepEqual(rest, before.slice(last));
  await ask(server, `GET /runs/${run_id}/events?starting_after=${before.length}`, { headers: STREAM, status: 204 });
  const { data } = await ask(server, `GET /conversations/${before[0]!.data.conversation_id}/messages`);
  assert.equal(data[1].content, before.at(-1)!.data.message.content, "the message itself stays");
  const answer = await ask(server, `GET /runs/${run_id}/events?starting_after=${last}`);
  assert.equal(answer.message.content, data[1].content, "and so does the collected answer");
  assert.deepEqual(await count(server, "events"), [before.length - deltas.length]);
});

Deno.test("runs, keys for doing things once, conversations and the audit go at their own ages", async () => {
  await using story = await aging();
  const { server, age } = story;
  const headers = { "idempotency-key": "once" };
  const { run_id, conversation_id } = await ask(server, "POST /chat", { body: { message: "Hello" }, headers });
  await ask(server, "GET /users", { status: 403 });
  await until("the refusal is on record", async () => (await count(server, "audit"))[0]! > 0);
  await age(2 * DAY);
  assert.deepEqual(await count(server, "idempotency", "runs"), [0, 1]);
  const other = await ask(server, "POST /chat", { body: { message: "Hello" }, headers });
  assert.notEqual(other.run_id, run_id);
  await age(91 * DAY);
  await ask(server, `GET /runs/${run_id}`, { status: 404 });
  assert.deepEqual(await count(server, "runs", "steps", "events", "model_calls", "audit"), [0, 0, 0, 0, 0]);
  const { messages } = await ask(server, `GET /conversations/${conversation_id}`);
  assert.equal(messages.length, 2, "a conversation outlives its runs");
  await age(366 * DAY);
  await ask(server, `GET /conversations/${conversation_id}`, { status: 404 });
  assert.deepEqual(await count(server, "conversations", "messages"), [0, 0]);
});

Deno.test("a conversation that is used stays, and a run that waits for a person is never swept", async () => {
  await using provider = await startProvider({ script: { tool_calls: [{ name: "send", arguments: {} }] } });
  const clock = movableClock();
  const toolbox = scriptedToolbox({ send: { act: () => ({ result: 1, is_error: false }) } });
  const lines: string[] = [];
  await using server = await startServer({
    provider: provider.url,
    ports: { clock, toolbox },
    onLog: (line) => lines.push(line),
    settings: { runs: { approval_timeout_seconds: 1_000 * 86_400 } },
  });
  await createAgent(server, "clerk", { allowed_tools: ["*"], policies: { ask: ["*"] } });
  const { run_id, conversation_id } = await ask(server, "POST /agents/clerk/chat", { body: { message: "Send" } });
  await ask(server, "POST /conversations", { body: {} });
  clock.move(300 * DAY);
  await ask(server, `POST /conversations/${conversation_id}/messages`, { body: { content: "Still there?" } });
  clock.move(300 * DAY);
  await until("the unused conversation is gone", async () => (await count(server, "conversations"))[0] === 1);
  assert.equal((await ask(server, `GET /runs/${run_id}`)).status, "waiting");
});

Deno.test("there are never more runs and audit rows than the settings allow", async () => {
  await using story = await aging({ retention: { max_runs: 3, max_audit_rows: 2, check_minutes: 1 } });
  const { server, age } = story;
  const ids: string[] = [];
  for (let i = 0; i < 6; i++) ids.push((await ask(server, "POST /chat", { body: { message: "Hello" } })).run_id);
  for (const path of ["users", "system/usage", "system/status", "system/config", "users/ada/context"]) {
    await ask(server, `GET /${path}`, { status: 403 });
  }
  await until("the refusals are on record", async () => (await count(server, "audit"))[0]! >= 5);
  await age(60_000);
  const { data } = await ask(server, "GET /runs?order=asc");
  assert.deepEqual(data.map(({ id }: Json) => id), ids.slice(3), "the newest stay");
  await until("the audit is short", async () => (await count(server, "audit"))[0]! <= 2);
});

Deno.test("bytes that no row names go, those of a file stay", async () => {
  await using story = await aging({ retention: { check_minutes: 1 } });
  const { server, age } = story;
  const response = await server.request("POST", "/files", { body: "kept", headers: { "content-type": "text/plain" } });
  const { id } = await response.json();
  const [file] = await Array.fromAsync(Deno.readDir(`${server.data_dir}/files`));
  const orphan = file!.name.replace(id, "file_0000000000aaaaaaaaaaaaaaaa");
  await Deno.copyFile(`${server.data_dir}/files/${file!.name}`, `${server.data_dir}/files/${orphan}`);
  assert.equal((await age(60_000)).files, 1);
  assert.deepEqual((await Array.fromAsync(Deno.readDir(`${server.data_dir}/files`))).map(({ name }) => name), [
    file!.name,
  ]);
  const kept = await server.request("GET", `/files/${id}/content`);
  assert.equal(await kept.text(), "kept");
});

Deno.test("old revisions of an agent go, but not one that a run needs", async () => {
  await using story = await aging();
  const { server, age } = story;
  await createAgent(server, "clerk", {});
  for (let i = 0; i < 3; i++) await askAdmin(server, "PATCH /agents/clerk", { body: { description: `${i}` } });
  const [before] = await count(server, "agent_revisions");
  const swept = await age(91 * DAY);
  assert.equal(swept.revisions, 3);
  assert.deepEqual(await count(server, "agent_revisions"), [before! - 3]);
  await ask(server, "POST /agents/clerk/chat", { body: { message: "Hello" } });
});

Deno.test("with the same load again and again, the database's file stops growing", async () => {
  await using story = await aging({ server: { max_body_bytes: 1_000_000 } });
  const { server, age, provider } = story;
  provider.script({ tokens: 200 });
  const size = async () => {
    let bytes = 0;
    for await (const { name } of Deno.readDir(server.data_dir)) {
      if (name.startsWith("muxi.db")) bytes += (await Deno.stat(`${server.data_dir}/${name}`)).size;
    }
    return bytes;
  };
  const message = "x".repeat(100_000);
  const peaks: number[] = [];
  for (let round = 0; round < 5; round++) {
    await Promise.all(Array.from({ length: 20 }, () => ask(server, "POST /chat", { body: { message } })));
    peaks.push(await size());
    await age(400 * DAY);
    assert.deepEqual(await count(server, "runs", "conversations", "messages", "events", "steps", "model_calls"), [
      ...Array(6).fill(0),
    ]);
  }
  assert.ok(peaks[0]! > 2_000_000, "the load is worth measuring");
  assert.ok(peaks[4]! <= peaks[1]! * 1.1, `grew: ${peaks.join(", ")}`);
});

Deno.test("direct calls of tools go at their own age, and the oldest when there are too many", async () => {
  await using stack = new AsyncDisposableStack();
  const clock = movableClock();
  const lines: string[] = [];
  const echo = { act: () => ({ result: "fine", is_error: false }) };
  const server = stack.use(
    await startServer({
      settings: { auth: { user_scopes: ["tools"] }, retention: { max_tool_calls: 2 } },
      ports: { clock, toolbox: scriptedToolbox({ echo }) },
      onLog: (line) => lines.push(line),
    }),
  );
  const swept = () => lines.filter((line) => line.includes("Removed what is no longer kept"));
  for (let i = 0; i < 5; i++) await ask(server, "POST /tools/echo/call", { body: {} });
  for (const [ms, left] of [[DAY, 2], [91 * DAY, 0]] as const) {
    const before = swept().length;
    clock.move(ms);
    await until("a sweep", () => swept().length > before);
    assert.deepEqual(await count(server, "tool_calls"), [left]);
  }
});

Deno.test("rooms that ended go with their members at the age of calls, secrets as soon as they have expired", async () => {
  await using world = await aging();
  const { server, age } = world;
  const { id } = await ask(server, "POST /rtc/rooms", { body: { name: "Morning" } });
  await ask(server, `POST /rtc/rooms/${id}/members`, { body: { name: "Ana" } });
  await ask(server, "POST /rtc/rooms", { body: { name: "Evening" } });
  await ask(server, "POST /rtc/secrets", { body: { session: {}, expires_seconds: 60 } });
  assert.deepEqual(await count(server, "rtc_rooms", "rtc_members", "rtc_secrets"), [2, 1, 1]);
  await ask(server, `DELETE /rtc/rooms/${id}`);
  assert.equal((await age(DAY)).secrets, 1);
  const { rooms, members } = await age(90 * DAY);
  assert.deepEqual({ rooms, members }, { rooms: 1, members: 1 });
  assert.deepEqual(await count(server, "rtc_rooms", "rtc_members", "rtc_secrets"), [1, 0, 0]);
});
