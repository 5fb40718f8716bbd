/**
 * Coming back to a run: which cursors are good for what.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { parseFrames, streamFrames } from "../support/events.ts";
import { startProvider } from "../support/provider.ts";
import { startServer } from "../support/server.ts";
import { ask, eventsOf, framesOf, type Json, movableClock, until } from "../support/story.ts";
import { startStuckReader } from "../support/stuck_reader.ts";

const STREAM = { accept: "text/event-stream" };
const DAY = 86_400_000;

/** A server with a run that has ended. */
async function finished() {
  await using stack = new AsyncDisposableStack();
  const provider = stack.use(await startProvider({ script: { tokens: 30, delay: 2 } }));
  const server = stack.use(await startServer({ provider: provider.url }));
  const { run_id } = await ask(server, "POST /chat", { body: { message: "Hello" } });
  const log = await eventsOf(server, run_id);
  const owned = stack.move();
  return { server, provider, run_id, log, last: log.length, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Both ways to say where to go on. */
function ways(run_id: string, cursor: string): { route: string; headers: Record<string, string> }[] {
  return [
    { route: `GET /runs/${run_id}/events`, headers: { ...STREAM, "last-event-id": cursor } },
    { route: `GET /runs/${run_id}/events?starting_after=${encodeURIComponent(cursor)}`, headers: STREAM },
  ];
}

Deno.test("from any event of a finished run on comes exactly the rest, and 204 after the last", async () => {
  await using story = await finished();
  const { server, run_id, log, last } = story;
  assert.deepEqual(log.map(({ id }) => id), log.map((_, n) => n + 1));
  for (let cursor = 0; cursor < last; cursor++) {
    for (const { route, headers } of ways(run_id, String(cursor))) {
      assert.deepEqual(await framesOf(server, route, { headers }), log.slice(cursor));
    }
  }
  for (const { route, headers } of ways(run_id, String(last))) {
    assert.equal(await ask(server, route, { headers, status: 204 }), null);
  }
});

Deno.test("a cursor beyond the end is a conflict, junk is refused, and nothing is streamed", async () => {
  await using story = await finished();
  const { server, run_id, last } = story;
  for (const cursor of [last + 1, last + 1000, Number.MAX_SAFE_INTEGER]) {
    for (const { route, headers } of ways(run_id, String(cursor))) {
      const { error, details } = await ask(server, route, { headers, status: 409 });
      assert.deepEqual([error, details.cursor, details.last], ["ConflictError", cursor, last]);
    }
  }
  const junk = [
    "x",
    "-1",
    "1.5",
    "1e3",
    "0x10",
    "NaN",
    "1,2",
    "1 2",
    "9007199254740992",
    "9".repeat(400),
    "null",
    "[1]",
  ];
  for (const cursor of junk) {
    for (const { route, headers } of ways(run_id, cursor)) {
      const { error, statusCode } = await ask(server, route, { headers, status: 400 });
      assert.deepEqual([error, statusCode], ["ValidationError", 400], `${route} ${cursor}`);
    }
  }
  const twice = `GET /runs/${run_id}/events?starting_after=1&starting_after=2`;
  assert.equal((await ask(server, twice, { headers: STREAM, status: 400 })).error, "ValidationError");
});

Deno.test("an EventSource's header goes before the address it was made with, and an empty one is none", async () => {
  await using story = await finished();
  const { server, run_id, log } = story;
  const route = `GET /runs/${run_id}/events?starting_after=2`;
  assert.deepEqual(await framesOf(server, route, { headers: { "last-event-id": "4" } }), log.slice(4));
  assert.deepEqual(await framesOf(server, route, { headers: { "last-event-id": "" } }), log.slice(2));
});

Deno.test("an EventSource that wants only some types is told the end, and then that there is no more", async () => {
  await using story = await finished();
  const { server, run_id, log, last } = story;
  const path = `/runs/${run_id}/events?types=step.started`;
  // As a browser does it: again and again with the last id, until the answer is 204.
  const seen: Json[] = [];
  for (let connections = 0;; connections++) {
    assert.ok(connections < 3, "it would come back for ever");
    const headers = { ...STREAM, "last-event-id": String(seen.at(-1)?.id ?? "") };
    const response = await server.request("GET", path, { headers });
    seen.push(...parseFrames(await response.text()));
    if (response.status === 204) break;
  }
  assert.deepEqual(seen, [log.find(({ type }) => type === "step.started"), log[last - 1]]);
});

Deno.test("at the last event of a run that goes on there is more to come, and exactly that comes", async () => {
  await using story = await finished();
  const { server, provider } = story;
  provider.script({ tokens: 40, delay: 5 });
  const response = await server.request("POST", "/chat/stream", { body: { message: "More" } });
  const frames: Json[] = [];
  const followers: Promise<Json[]>[] = [];
  for await (const frame of streamFrames(response)) {
    frames.push(frame);
    followers.push(
      framesOf(server, `GET /runs/${frames[0].data.run_id}/events?starting_after=${frame.id}`)
        .catch((error) => frame.type === "run.completed" ? [] : Promise.reject(error)),
    );
  }
  assert.ok(frames.length > 6);
  for (const [n, rest] of (await Promise.all(followers)).entries()) assert.deepEqual(rest, frames.slice(n + 1));
});

Deno.test("a reader that is far behind when its events are removed is told so, and given no hole", async () => {
  const thoughts = Array.from({ length: 1280 }, () => "thinking ".repeat(910));
  await using provider = await startProvider({ script: { reasoning: thoughts, tokens: ["Done"], delay: 1 } });
  const clock = movableClock();
  const lines: string[] = [];
  await using server = await startServer({
    provider: provider.url,
    ports: { clock },
    settings: { server: { write_timeout_seconds: 90 * 86_400 } },
    onLog: (line) => lines.push(line),
  });
  const { run_id } = await ask(server, "POST /chat", { body: { message: "Think for long" } });
  const before = await eventsOf(server, run_id);
  using stuck = await startStuckReader(server.url, `/runs/${run_id}/events`);
  await until("the reader is served", async () => {
    const found = lines.filter((line) => line.includes('"run_events"'));
    return found.length > 1;
  });
  clock.move(8 * DAY);
  await until("the deltas are removed", () => lines.some((line) => line.includes("Removed what is no longer kept")));
  const received = parseFrames((await stuck.readAll()).text);
  const told = received.pop()!;
  assert.deepEqual([told.type, told.data.error, told.data.statusCode], ["error", "GoneError", 410]);
  assert.ok(received.length < before.length - 3, `${received.length} of ${before.length}`);
  assert.deepEqual(received, before.slice(0, received.length));
  const { error, details } = await ask(server, `GET /runs/${run_id}/events?starting_after=${received.length}`, {
    headers: STREAM,
    status: 410,
  });
  assert.equal(error, "GoneError");
  assert.deepEqual(
    await framesOf(server, `GET /runs/${run_id}/events?starting_after=${details.first}`),
    before.slice(details.first),
  );
});

Deno.test("who doesn't want to wait gets what is there now, and goes on from there later", async () => {
  await using provider = await startProvider({ script: { tokens: 40, delay: 20 } });
  await using server = await startServer({ provider: provider.url });
  const started = await server.request("POST", "/chat/stream", { body: { message: "Hello" } });
  const live = streamFrames(started);
  const { value: first } = await live.next();
  const { run_id } = first!.data;
  while ((await live.next()).value!.type !== "model.delta");
  const now = await framesOf(server, `GET /runs/${run_id}/events?follow=false`, { headers: STREAM });
  assert.ok(now.length >= 3);
  assert.ok(!now.some(({ type }) => type === "run.completed"));
  const state = await ask(server, `GET /runs/${run_id}/events?follow=false`);
  assert.deepEqual([state.status, state.message], ["running", null]);
  const last = now.at(-1)!.id!;
  const rest = await framesOf(server, `GET /runs/${run_id}/events?starting_after=${last}`, { headers: STREAM });
  assert.deepEqual(rest.map(({ id }) => id), rest.map((_, i) => last + 1 + i));
  assert.equal(rest.at(-1)!.type, "run.completed");
  const all = await framesOf(server, `GET /runs/${run_id}/events?follow=false`, { headers: STREAM });
  assert.deepEqual(all, [...now, ...rest]);
  await live.return(undefined);
});
