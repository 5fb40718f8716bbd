/**
 * Limits: buckets, the graduated response, slots.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { type LimitOptions, Limits } from "../../src/core/identity/limits.ts";
import { Recent } from "../../src/core/identity/recent.ts";
import { Slots } from "../../src/core/identity/slots.ts";
import type { AppError } from "../../src/domain/error.ts";
import type { Clock } from "../../src/kit/clock.ts";

/** A clock that stands still until it is moved. */
function createClock() {
  const never = { [Symbol.dispose]() {} };
  const clock = { time: 1_700_000_000_000, now: () => clock.time, after: () => never, every: () => never };
  return clock satisfies Clock & { time: number };
}

const OPTIONS: LimitOptions = {
  enabled: true,
  classes: { read: { per_second: 2, burst: 10 }, run: { per_second: 1, burst: 2 } },
  operations: { run_create: { per_second: 0.1, burst: 1 } },
  warn_below: 0.2,
  block_after: 3,
  block_seconds: 60,
};

function refusalOf(act: () => unknown): AppError {
  try {
    act();
  } catch (error) {
    return error as AppError;
  }
  throw new assert.AssertionError({ message: "nothing was refused" });
}

Deno.test("a bucket gives its burst at once, then as fast as it fills", () => {
  const clock = createClock();
  const limits = new Limits({ ...OPTIONS, clock });
  assert.deepEqual(limits.take("web", "run_get", "read"), { limit: 10, remaining: 9, reset_seconds: 1 });
  for (let i = 0; i < 9; i++) limits.take("web", "run_get", "read");
  const error = refusalOf(() => limits.take("web", "run_get", "read"));
  assert.equal(error.name, "TooManyRequestsError");
  assert.equal(error.retryAfter, 1);
  assert.deepEqual(error.details, { limit: 10, remaining: 0, reset_seconds: 5 });
  assert.match(error.message, /^Cannot call "run_get": the limit is 2 requests a second and 10 at once/);
  clock.time += 500;
  assert.equal(limits.take("web", "run_get", "read")?.remaining, 0);
  clock.time += 3_600_000;
  assert.equal(limits.take("web", "run_get", "read")?.remaining, 9);
});

Deno.test("how things stand can be asked without taking anything", () => {
  const clock = createClock();
  const limits = new Limits({ ...OPTIONS, clock });
  assert.equal(limits.peek("web", "run_get", "read")?.remaining, 10);
  for (let i = 0; i < 4; i++) limits.take("web", "run_get", "read");
  assert.deepEqual(limits.peek("web", "run_get", "read"), { limit: 10, remaining: 6, reset_seconds: 2 });
  assert.equal(limits.take("web", "run_get", "read")?.remaining, 5);
  clock.time += 500;
  assert.equal(limits.peek("web", "run_get", "read")?.remaining, 6);
  limits.update({ ...OPTIONS, enabled: false });
  assert.equal(limits.peek("web", "run_get", "read"), undefined);
});

Deno.test("keys, classes and operations with a limit of their own share nothing", () => {
  const limits = new Limits({ ...OPTIONS, clock: createClock() });
  limits.take("web", "run_create", "run");
  assert.throws(() => limits.take("web", "run_create", "run"), { name: "TooManyRequestsError" });
  assert.equal(limits.take("web", "run_cancel", "run")?.remaining, 1);
  assert.equal(limits.take("ops", "run_create", "run")?.remaining, 0);
  assert.equal(limits.take("web", "run_get", "read")?.remaining, 9);
});

Deno.test("little left is a warning before it is a refusal", () => {
  const limits = new Limits({ ...OPTIONS, clock: createClock() });
  const reports = Array.from({ length: 10 }, () => limits.take("web", "run_get", "read")!);
  assert.deepEqual(reports.map(({ warning }) => warning !== undefined), [...Array(8).fill(false), true, true]);
  assert.equal(reports[8]!.warning, "Only 1 of 10 requests left, all again in 5 s");
});

Deno.test("many refusals within a minute become a block, which ends", () => {
  const clock = createClock();
  const limits = new Limits({ ...OPTIONS, clock });
  const take = () => limits.take("web", "run_cancel", "run");
  take(), take();
  assert.equal(refusalOf(take).details?.blocked, undefined);
  assert.equal(refusalOf(take).details?.blocked, undefined);
  const error = refusalOf(take);
  const until = new Date(clock.time + 60_000).toISOString();
  assert.deepEqual([error.retryAfter, error.details?.blocked], [60, until]);
  assert.match(error.message, new RegExp(`blocked until ${until}`));
  clock.time += 59_001;
  assert.equal(refusalOf(take).retryAfter, 1, "tokens are back, the block is not over, and asking does not prolong it");
  assert.equal(limits.take("web", "run_get", "read")?.remaining, 9, "other classes are not blocked");
  clock.time += 999;
  assert.equal(take()?.remaining, 1);
});

Deno.test("refusals long apart are no reason for a block", () => {
  const clock = createClock();
  const limits = new Limits({ ...OPTIONS, classes: { run: { per_second: 0.001, burst: 1 } }, clock });
  const take = () => limits.take("web", "run_cancel", "run");
  take();
  for (let i = 0; i < 6; i++) {
    assert.equal(refusalOf(take).details?.blocked, undefined);
    clock.time += 31_000;
  }
});

Deno.test("a clock set back takes no tokens away", () => {
  const clock = createClock();
  const limits = new Limits({ ...OPTIONS, clock });
  limits.take("web", "run_get", "read");
  clock.time -= 3_600_000;
  assert.equal(limits.take("web", "run_get", "read")?.remaining, 8);
  clock.time += 500;
  assert.equal(limits.take("web", "run_get", "read")?.remaining, 8);
});

Deno.test("new limits keep what was used up, and can be off", () => {
  const limits = new Limits({ ...OPTIONS, clock: createClock() });
  for (let i = 0; i < 6; i++) limits.take("web", "run_get", "read");
  limits.update({ ...OPTIONS, classes: { read: { per_second: 2, burst: 3 } } });
  assert.deepEqual(limits.take("web", "run_get", "read")?.remaining, 2);
  limits.update({ ...OPTIONS, enabled: false });
  assert.equal(limits.take("web", "run_get", "read"), undefined);
});

Deno.test("limits that make no sense, and classes without one, are a mistake of configuration", () => {
  const clock = createClock();
  for (const rate of [{ per_second: 0, burst: 1 }, { per_second: 1, burst: 0 }, { per_second: NaN, burst: 1 }]) {
    assert.throws(() => new Limits({ ...OPTIONS, classes: { read: rate }, clock }), { name: "ConfigurationError" });
  }
  const limits = new Limits({ ...OPTIONS, clock });
  assert.throws(() => limits.take("web", "date_get", "other"), { name: "ConfigurationError", message: /"other"/ });
  assert.throws(() => limits.update({ ...OPTIONS, operations: { x: { per_second: -1, burst: 1 } } }));
  assert.equal(limits.take("web", "run_get", "read")?.remaining, 9, "a refused update changes nothing");
});

Deno.test("a table forgets what was not used for long, and stays small", () => {
  const table = new Recent<number>(100);
  table.set("kept", -1);
  for (let i = 0; i < 10_000; i++) {
    table.set(`n${i}`, i);
    assert.ok(table.size <= 100);
    assert.equal(table.get("kept"), -1);
  }
  assert.equal(table.get("n1"), undefined);
  assert.equal(table.get("n9999"), 9999);
  table.delete("n9999");
  assert.equal(table.get("n9999"), undefined);
});

Deno.test("slots are counted per key and in total, and given back once", () => {
  const slots = new Slots({ streams: { per_key: 2, total: 3 } });
  const first = slots.acquire("streams", "web");
  slots.acquire("streams", "web");
  const own = refusalOf(() => slots.acquire("streams", "web"));
  assert.equal(own.name, "TooManyRequestsError");
  assert.match(own.message, /the key has 2 of 2 at the same time/);
  slots.acquire("streams", "ops");
  const all = refusalOf(() => slots.acquire("streams", "ann"));
  assert.deepEqual([all.name, all.retryAfter], ["UnavailableError", 5]);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  assert.equal(slots.inUse("streams"), 2);
  using _slot = slots.acquire("streams", "ann");
  slots.update({ streams: { per_key: 2, total: 4 } });
  slots.acquire("streams", "web");
  assert.equal(slots.inUse("streams"), 4);
  assert.throws(() => slots.acquire("calls", "web"), { name: "ConfigurationError" });
});
