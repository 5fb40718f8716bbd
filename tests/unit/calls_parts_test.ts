import { strict as assert } from "node:assert";
import { Admission } from "../../src/core/calls/admission.ts";
import { CallEvents } from "../../src/core/calls/call_events.ts";
import { Watchdog, type WatchdogLimits } from "../../src/core/calls/watchdog.ts";
import { Slots } from "../../src/core/identity/slots.ts";
import { AppError } from "../../src/domain/error.ts";
import type { RtcEnd } from "../../src/domain/rtc_session.ts";
import { MovingClock } from "../support/moving_clock.ts";

const never = new AbortController().signal;

/** A clock whose timers come late. */
class LateClock extends MovingClock {
  late = 0;
  override now(): number {
    return super.now() + this.late;
  }
}

Deno.test("calls are refused while the event loop is late, and taken again when it is not", async () => {
  const clock = new LateClock();
  const slots = new Slots({ calls: { per_key: 9, total: 9 } });
  let queued = 0;
  const admission = new Admission({ slots, clock, max_lag_ms: 50, lateness: () => queued });
  const call = admission.admit("key");
  await clock.pass(1000);
  admission.admit("key")[Symbol.dispose]();
  // One that comes much later is a hiccup.
  clock.late += 5000;
  await clock.pass(100);
  admission.admit("key")[Symbol.dispose]();
  // Each look comes 100 ms later than the one before should have made it.
  for (let look = 0; look < 20; look++) {
    clock.late += 100;
    await clock.pass(100);
  }
  assert.throws(() => admission.admit("key"), (error) => {
    assert.ok(error instanceof AppError);
    assert.deepEqual([error.name, error.retryAfter], ["UnavailableError", 5]);
    return true;
  });
  assert.equal(slots.inUse("calls"), 1);
  await clock.pass(3000);
  admission.admit("key")[Symbol.dispose]();
  // The event loop is on time, but media waits.
  queued = 60;
  await clock.pass(3000);
  assert.throws(() => admission.admit("key"), /the server is 60 ms late, at most 50 ms/);
  queued = 0;
  await clock.pass(3000);
  admission.admit("key")[Symbol.dispose]();
  call[Symbol.dispose]();
  call[Symbol.dispose]();
  assert.equal(slots.inUse("calls"), 0);
  assert.equal(clock.timers, 0);
});

function watch(limits: Partial<WatchdogLimits> = {}) {
  const clock = new MovingClock();
  const ends: RtcEnd[] = [];
  const dog = new Watchdog({
    clock,
    limits: { connect_ms: 15_000, reattach_ms: 60_000, max_call_ms: 600_000, idle_ms: 0, ...limits },
    onEnd: (reason) => void ends.push(reason),
  });
  return { clock, ends, dog };
}

Deno.test("a call ends where nobody is for too long, by the reason of its state", async () => {
  for (
    const [state, ms, reason] of [
      ["created", 60_000, "connect_timeout"],
      ["connecting", 15_000, "connect_timeout"],
      ["lost", 60_000, "lost"],
      ["active", 600_000, "too_long"],
    ] as const
  ) {
    const { clock, ends, dog } = watch();
    dog.watch(state);
    await clock.pass(ms - 1);
    assert.deepEqual(ends, [], state);
    await clock.pass(1);
    assert.deepEqual(ends, [reason], state);
    dog[Symbol.dispose]();
    assert.equal(clock.timers, 0);
  }
});

Deno.test("a lost call waits while somebody is attached, and from the moment the last one left", async () => {
  const { clock, ends, dog } = watch();
  const [one, two] = [dog.attach(), dog.attach()];
  dog.watch("lost");
  await clock.pass(100_000);
  one[Symbol.dispose]();
  one[Symbol.dispose]();
  await clock.pass(100_000);
  assert.ok(dog.attached);
  two[Symbol.dispose]();
  await clock.pass(59_999);
  assert.deepEqual(ends, []);
  await clock.pass(1);
  assert.deepEqual(ends, ["lost"]);
  dog[Symbol.dispose]();
});

Deno.test("a call in which nobody says a word ends, if that is wanted", async () => {
  const { clock, ends, dog } = watch({ idle_ms: 10_000 });
  dog.watch("active");
  await clock.pass(9000);
  dog.noteWord();
  await clock.pass(9999);
  assert.deepEqual(ends, []);
  await clock.pass(1);
  assert.deepEqual(ends, ["idle"]);
  dog[Symbol.dispose]();
  assert.equal(clock.timers, 0);
});

Deno.test("a channel that doesn't keep up loses what is said again, and is closed rather than miss the rest", () => {
  const events = new CallEvents("rtc_1");
  const got: string[] = [];
  let room = true;
  let closed = 0;
  events.send({
    label: "muxi",
    send: (text) => room && got.push(JSON.parse(text).type) > 0,
    close: () => void closed++,
  });
  const partial = { type: "transcript.partial", data: { turn_id: "t", text: "x", language: null } } as const;
  const final = { ...partial, type: "transcript.final" } as const;
  events.emit(partial);
  room = false;
  events.emit(partial);
  assert.equal(closed, 0);
  events.emit(final);
  events.emit(final);
  assert.deepEqual([closed, got], [1, ["transcript.partial"]]);
  assert.equal(events.last, 4);
});

Deno.test("events wake those who wait, end with the call, and are kept only so far", async () => {
  const events = new CallEvents("rtc_1");
  const state = (held: boolean) =>
    events.emit({ type: "session.state", data: { state: "active", held, reason: null } });
  const reading = Array.fromAsync(events.follow({ cursor: 0, signal: never }), ({ seq }) => seq);
  state(true);
  await Promise.resolve();
  state(false);
  events.end();
  state(true);
  assert.deepEqual(await reading, [1, 2]);
  const long = new CallEvents("rtc_2");
  for (let i = 0; i < 300; i++) {
    long.emit({ type: "session.state", data: { state: "active", held: true, reason: null } });
  }
  assert.throws(() => long.follow({ cursor: 3, signal: never }), { name: "GoneError" });
  assert.throws(() => long.follow({ cursor: 301, signal: never }), { name: "ConflictError" });
  const kept = await Array.fromAsync(long.follow({ cursor: undefined, signal: never, follow: false }));
  assert.deepEqual([kept.length, kept[0]!.seq], [256, 45]);
});
