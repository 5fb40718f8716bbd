/**
 * How often, how many at a time, and how long tools may be called.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { CallTime } from "../../src/core/tools/call_time.ts";
import { Quota } from "../../src/core/tools/quota.ts";
import { AppError } from "../../src/domain/error.ts";
import type { Clock } from "../../src/kit/clock.ts";

/** A clock that stands still until it is moved. */
function handClock(): Clock & { move(ms: number): void } {
  let now = 1_000_000;
  const tasks = new Set<{ at: number; task: () => void }>();
  const after = (ms: number, task: () => void): Disposable => {
    const entry = { at: now + ms, task };
    tasks.add(entry);
    return { [Symbol.dispose]: () => void tasks.delete(entry) };
  };
  return {
    now: () => now,
    after,
    every: () => {
      throw new Error("not used here");
    },
    move(ms) {
      const end = now + ms;
      for (;;) {
        const [next] = [...tasks].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
        if (!next) break;
        tasks.delete(next);
        now = Math.max(now, next.at);
        next.task();
      }
      now = end;
    },
  };
}

Deno.test("a minute's calls come back bit by bit, and each caller has its own", () => {
  const clock = handClock();
  const quota = new Quota({ clock });
  const spend = (caller = "ada") => quota.spend("echo", { caller, per_minute: 6 });
  for (let i = 0; i < 6; i++) spend();
  assert.throws(() => spend(), (error) => error instanceof AppError && error.retryAfter === 10);
  spend("grace");
  clock.move(9_999);
  assert.throws(() => spend());
  clock.move(1);
  spend();
  assert.throws(() => spend());
  clock.move(3_600_000);
  for (let i = 0; i < 6; i++) spend();
  assert.throws(() => spend(), "a budget does not grow beyond its minute");
});

Deno.test("turns are taken in order, and given back also by who leaves while waiting", async () => {
  const quota = new Quota({ clock: handClock() });
  const { signal } = new AbortController();
  const first = await quota.enter("echo", { concurrent: 1, signal });
  const order: number[] = [];
  const leaving = new AbortController();
  const enter = (n: number, signal: AbortSignal) =>
    quota.enter("echo", { concurrent: 1, signal }).then((turn) => {
      order.push(n);
      turn[Symbol.dispose]();
      turn[Symbol.dispose]();
    });
  const waiting = [enter(1, signal), enter(2, leaving.signal), enter(3, signal)];
  leaving.abort(new Error("gone"));
  await assert.rejects(waiting[1]!, /gone/);
  assert.deepEqual(order, []);
  first[Symbol.dispose]();
  await Promise.all([waiting[0], waiting[2]]);
  assert.deepEqual(order, [1, 3]);
  using _ = await quota.enter("echo", { concurrent: 1, signal });
});

Deno.test("a turn that comes in the moment in which somebody leaves is not lost", async () => {
  const quota = new Quota({ clock: handClock() });
  const { signal } = new AbortController();
  const first = await quota.enter("echo", { concurrent: 1, signal });
  const leaving = new AbortController();
  const late = quota.enter("echo", { concurrent: 1, signal: leaving.signal });
  first[Symbol.dispose]();
  leaving.abort(new Error("gone"));
  const turn = await late.catch(() => undefined);
  turn?.[Symbol.dispose]();
  using _ = await quota.enter("echo", { concurrent: 1, signal });
});

/** The limits that were met, as the clock moves. */
function watched(limits = { timeout_ms: 100, max_timeout_ms: 250 }) {
  const clock = handClock();
  const over: number[] = [];
  const time = new CallTime(limits, { clock, onOver: (ms) => over.push(ms) });
  return { clock, over, time };
}

Deno.test("silence ends a call, progress renews it, and a limit in all stays", () => {
  const { clock, over, time } = watched();
  clock.move(90);
  time.progress();
  clock.move(90);
  time.progress();
  assert.deepEqual(over, []);
  clock.move(69);
  assert.deepEqual(over, []);
  clock.move(1);
  assert.deepEqual(over, [250]);
  const silent = watched();
  silent.clock.move(50);
  silent.time.progress();
  silent.clock.move(100);
  assert.deepEqual(silent.over, [100]);
});

Deno.test("time stands still while somebody is asked, also twice at once", () => {
  const { clock, over, time } = watched();
  clock.move(60);
  const one = time.pause();
  const two = time.pause();
  clock.move(10_000);
  one[Symbol.dispose]();
  one[Symbol.dispose]();
  clock.move(10_000);
  assert.deepEqual(over, []);
  two[Symbol.dispose]();
  clock.move(39);
  assert.deepEqual(over, []);
  clock.move(1);
  assert.deepEqual(over, [100]);
});

Deno.test("a call that is over has no time left to stop", () => {
  const { clock, over, time } = watched();
  const paused = time.pause();
  time[Symbol.dispose]();
  paused[Symbol.dispose]();
  clock.move(10_000);
  assert.deepEqual(over, []);
});
