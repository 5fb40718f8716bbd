/**
 * The machine's own clock.
 *
 * @module
 */
import assert from "node:assert/strict";
import { systemClock as clock, toTime } from "../../src/kit/clock.ts";

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

Deno.test("timers that share one of the system each come once, in their turn, and never early", async () => {
  const began = performance.now();
  const told: { name: string; at: number }[] = [];
  const tell = (name: string) => () => void told.push({ name, at: performance.now() - began });
  for (const ms of [700, 20, 500, 502]) clock.after(ms, tell(String(ms)));
  await wait(1000);
  assert.deepEqual(told.map(({ name }) => name), ["20", "500", "502", "700"]);
  for (const { name, at } of told) assert.ok(at >= Number(name) - 1, `${name} came after ${at} ms`);
});

Deno.test("a disposed timer doesn't come, also where another one due with it disposes it", async () => {
  const told: string[] = [];
  const timers: Disposable[] = [];
  timers.push(clock.after(600, () => void told.push("disposed at once")));
  timers[0]![Symbol.dispose]();
  clock.after(600, () => {
    told.push("first");
    timers[1]![Symbol.dispose]();
  });
  timers.push(clock.after(600, () => void told.push("disposed by the first")));
  clock.after(600, () => void told.push("last"));
  await wait(900);
  assert.deepEqual(told, ["first", "last"]);
});

Deno.test("a time is written as the language writes it", () => {
  const second = Date.UTC(2026, 10, 21, 22, 59, 59);
  for (const ms of [second, second + 7, second + 999.9, second + 1000, second, 0, -1, -1000.5, 8.64e15]) {
    assert.equal(toTime(ms), new Date(ms).toISOString(), String(ms));
  }
  assert.throws(() => toTime(NaN), RangeError);
});
