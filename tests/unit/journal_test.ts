/**
 * The log of a run, written to a real store.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { openLibsqlStore } from "../../src/adapters/libsql/store.ts";
import { MemoryWake } from "../../src/adapters/memory/wake.ts";
import { Journal } from "../../src/core/journal/journal.ts";
import { OwnershipLost, type RunLog } from "../../src/core/journal/run_log.ts";
import { Tails } from "../../src/core/journal/tails.ts";
import { AppError, CommitRefused } from "../../src/domain/error.ts";
import type { NewEvent } from "../../src/domain/event.ts";
import { type Clock, systemClock } from "../../src/kit/clock.ts";
import { createLog } from "../../src/kit/log.ts";
import type { Change, Store } from "../../src/ports/store.ts";
import { run } from "../contracts/sample_rows.ts";
import { settle } from "../support/moving_clock.ts";

const log = createLog({ level: "error", format: "text", write: () => {} });

/** A clock that stands until it is moved. */
function standingClock(): Clock & { move(ms: number): void } {
  let now = 1_000_000;
  const tasks = new Set<{ at: number; task: () => void }>();
  return {
    now: () => now,
    after(ms, task) {
      const entry = { at: now + ms, task };
      tasks.add(entry);
      return { [Symbol.dispose]: () => void tasks.delete(entry) };
    },
    every: () => ({ [Symbol.dispose]: () => {} }),
    move(ms) {
      now += ms;
      for (const entry of [...tasks]) if (entry.at <= now && tasks.delete(entry)) entry.task();
    },
  };
}

/** A journal of a run that exists, owned with epoch 1, and every change that was asked of the store. */
async function journal(clock: Clock = systemClock) {
  await using stack = new AsyncDisposableStack();
  const store = stack.use(await openLibsqlStore({ path: ":memory:", log }));
  const asked: Change[] = [];
  const watched: Store = {
    read: (query) => store.read(query),
    sum: (query) => store.sum(query),
    commit: (change) => {
      asked.push(change);
      return store.commit(change);
    },
    backup: (path) => store.backup(path),
    check: () => store.check(),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
  const wake = new MemoryWake({ log });
  const tails = stack.use(new Tails({ store: watched, wake, clock }));
  const journal = stack.use(new Journal({ store: watched, wake, clock, tails, delta_interval_ms: 25 }));
  const row = { ...run("run_1"), epoch: 1 };
  await store.commit({ writes: [{ insert: "runs", rows: [row] }] });
  const stored = async () => {
    const rows = await store.read({ from: "events", where: { run_id: "run_1" }, order: [["seq", "asc"]], limit: 1000 });
    return rows.map(({ seq, type, data }) => ({ seq, type, data: JSON.parse(data) }));
  };
  const open = (epoch = 1, last_seq = 0) => journal.open({ id: "run_1", epoch, last_seq });
  const owned = stack.move();
  return { store, asked, wake, tails, journal, stored, open, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

const waiting: NewEvent = { type: "run.waiting", data: { reason: "approval", tool_call_ids: [] } };
const say = (log: RunLog, text: string, step = "step_1") => log.delta("model.delta", step, text);

Deno.test("events are numbered from 1 without gaps, told after they are stored, text before what follows it", async () => {
  await using story = await journal();
  const told: number[] = [];
  using log = story.open();
  using _ = story.wake.subscribe("run:run_1", () => told.push(log.seq));
  await log.record([waiting, waiting]);
  say(log, "a");
  say(log, "b");
  say(log, "c", "step_2");
  await log.record([waiting]);
  const events = await story.stored();
  assert.deepEqual(events.map(({ seq }) => seq), events.map((_, i) => i + 1));
  assert.deepEqual(events.map(({ type, data }) => data.text ?? type), [
    "run.waiting",
    "run.waiting",
    ...events.slice(2, -2).map(({ data }) => data.text),
    "c",
    "run.waiting",
  ]);
  assert.equal(events.slice(2, -2).map(({ data }) => data.text).join(""), "ab");
  assert.deepEqual(told, told.toSorted((a, b) => a - b));
  assert.equal(told.at(-1), events.length, "told only once it is stored");
});

Deno.test("the first text of a step goes at once, the rest waits for its interval and goes as one", async () => {
  const clock = standingClock();
  await using story = await journal(clock);
  using log = story.open();
  const deltas = async () => (await story.stored()).map(({ data }) => data.text);
  say(log, "a");
  await settle();
  assert.deepEqual(await deltas(), ["a"]);
  say(log, "b");
  say(log, "c");
  for (let ms = 0; ms < 24; ms += 6) {
    clock.move(6);
    await settle();
    assert.deepEqual(await deltas(), ["a"], `${ms} ms later`);
  }
  clock.move(1);
  await settle();
  assert.deepEqual(await deltas(), ["a", "bc"]);
  say(log, "d");
  clock.move(24);
  await settle();
  assert.deepEqual(await deltas(), ["a", "bc"]);
  say(log, "first of another step", "step_2");
  await settle();
  assert.deepEqual(await deltas(), ["a", "bc", "d", "first of another step"]);
});

Deno.test("each run keeps its own interval, and what is due together goes together", async () => {
  const clock = standingClock();
  await using story = await journal(clock);
  await story.store.commit({ writes: [{ insert: "runs", rows: [{ ...run("run_2"), epoch: 1 }] }] });
  using one = story.open();
  using two = journalOf(story, "run_2");
  const texts = async (run_id: string) =>
    (await story.store.read({ from: "events", where: { run_id }, order: [["seq", "asc"]], limit: 9 }))
      .map(({ data }) => JSON.parse(data).text).join("|");
  say(one, "a");
  await settle();
  clock.move(20);
  say(two, "A");
  await settle();
  say(one, "b");
  say(two, "B");
  clock.move(6);
  await settle();
  assert.deepEqual([await texts("run_1"), await texts("run_2")], ["a|b", "A"]);
  clock.move(23);
  await settle();
  assert.deepEqual([await texts("run_1"), await texts("run_2")], ["a|b", "A"], "its interval is over, its beat is not");
  clock.move(1);
  await settle();
  assert.deepEqual([await texts("run_1"), await texts("run_2")], ["a|b", "A|B"]);
});

Deno.test("an owner that was replaced can write nothing, and is told so for ever", async () => {
  await using story = await journal();
  using log = story.open();
  await log.record([waiting]);
  await story.store.commit({ writes: [{ update: "runs", where: { id: "run_1" }, set: { epoch: 2 } }] });
  say(log, "too late");
  const change: Partial<Change> = { writes: [{ update: "runs", where: { id: "run_1" }, set: { waiting_for: "me" } }] };
  await assert.rejects(log.record([waiting], change), OwnershipLost);
  await assert.rejects(log.record([]), OwnershipLost);
  assert.equal((await story.stored()).length, 1);
  const [row] = await story.store.read({ from: "runs", where: { id: "run_1" }, limit: 1 });
  assert.equal(row!.waiting_for, run("run_1").waiting_for);
});

Deno.test("a closed log writes nothing, neither what it is given then nor what still waited", async () => {
  await using story = await journal();
  const log = story.open();
  await log.record([waiting]);
  const late = log.record([waiting]);
  log[Symbol.dispose]();
  await assert.rejects(late, OwnershipLost);
  await assert.rejects(log.record([waiting]), OwnershipLost);
  assert.throws(() => say(log, "too late"), OwnershipLost);
  assert.equal((await story.stored()).length, 1);
});

Deno.test("a condition that does not hold refuses the change alone: text waits, the log goes on", async () => {
  await using story = await journal();
  using log = story.open();
  say(log, "kept");
  const refused = log.record([waiting], {
    preconditions: [{ from: "runs", where: { id: "run_9" }, exists: true }],
    writes: [],
  });
  await assert.rejects(refused, (error) => error instanceof CommitRefused && error.index === 1);
  await log.record([waiting]);
  const events = await story.stored();
  assert.deepEqual(events.map(({ seq, type }) => `${seq} ${type}`), ["1 model.delta", "2 run.waiting"]);
  assert.equal(events[0]!.data.text, "kept");
});

Deno.test("a log that opens with what exists already says what was refused", async () => {
  await using story = await journal();
  using log = journalOf(story, "run_1");
  const refused = log.open([waiting], { writes: [{ insert: "runs", rows: [run("run_1")] }] });
  await assert.rejects(refused, (error) => error instanceof CommitRefused && error.reason === "duplicate");
});

function journalOf({ journal }: { journal: Journal }, id: string): RunLog {
  return journal.open({ id, epoch: 1, last_seq: 0 });
}

Deno.test("a store that can't be written fails what comes next, with its reason", async () => {
  await using story = await journal();
  using log = story.open();
  const { commit } = story.store;
  const error = new AppError("UnavailableError", "The disk is full");
  story.store.commit = () => Promise.reject(error);
  say(log, "lost");
  await assert.rejects(log.record([waiting]), (thrown) => thrown === error);
  story.store.commit = commit;
  await assert.rejects(log.record([waiting]), (thrown) => thrown === error, "a log with a hole is not written on");
  assert.deepEqual(await story.stored(), []);
});

Deno.test("a change and its event are one commit, which only the owner can make", async () => {
  await using story = await journal();
  using log = story.open();
  story.asked.length = 0;
  await log.record([waiting], { writes: [{ update: "runs", where: { id: "run_1" }, set: { waiting_for: "x" } }] });
  assert.equal(story.asked.length, 1);
  assert.equal(story.asked[0]!.writes.length, 2);
  assert.deepEqual(story.asked[0]!.preconditions, [{ from: "runs", where: { id: "run_1", epoch: 1 }, exists: true }]);
});
