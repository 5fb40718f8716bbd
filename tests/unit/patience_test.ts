import { strict as assert } from "node:assert";
import { systemClock } from "../../src/kit/clock.ts";
import { Patience } from "../../src/kit/patience.ts";
import { MovingClock } from "../support/moving_clock.ts";

const never = new Promise<never>(() => {});
const late = () => new Error("too late");

Deno.test("patience is used up by waits, not by the time between them", async () => {
  const clock = new MovingClock();
  const patience = new Patience({ clock, ms: 100, signal: new AbortController().signal, late });
  const gate = Promise.withResolvers<number>();
  const first = patience.wait(gate.promise);
  await clock.pass(60);
  gate.resolve(1);
  assert.equal(await first, 1);
  await clock.pass(1_000);
  const second = patience.wait(never);
  await clock.pass(39);
  const ended = await Promise.race([second.catch(() => "late"), Promise.resolve("waiting")]);
  assert.equal(ended, "waiting");
  const refused = assert.rejects(second, /too late/);
  await clock.pass(1);
  await refused;
  assert.equal(clock.timers, 0);
});

Deno.test("a signal ends the wait with its reason, also when it came before", async () => {
  const stop = new AbortController();
  const patience = new Patience({ clock: systemClock, ms: 60_000, signal: stop.signal, late });
  const waiting = patience.wait(never);
  stop.abort(new Error("stopped"));
  await assert.rejects(waiting, /stopped/);
  await assert.rejects(patience.wait(never), /stopped/);
});
