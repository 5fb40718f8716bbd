/**
 * Limits on failing to say who one is.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { AttemptLimit } from "../../src/core/identity/attempts.ts";
import { Keys } from "../../src/core/identity/keys.ts";
import { AppError } from "../../src/domain/error.ts";
import type { Clock } from "../../src/kit/clock.ts";

const HOME = "192.0.2.1";
const BLOCKED = { name: "TooManyRequestsError", message: /3 attempts failed within a minute, try again in \d+ s/ };
const WRONG = { name: "UnauthorizedError" };

function setUp() {
  const never = { [Symbol.dispose]() {} };
  const clock = { time: 1_700_000_000_000, now: () => clock.time, after: () => never, every: () => never };
  const attempts = new AttemptLimit({ per_minute: 3, clock: clock satisfies Clock });
  const keys = new Keys({
    modes: ["apikey"],
    keys: [{ key_id: "web", secret: "right", access: "user" }, { key_id: "ops", secret: "also", access: "admin" }],
  });
  const attempt = (token: string, address = HOME) => attempts.guard(address, () => keys.identify({ token }));
  return { clock, attempts, attempt };
}

Deno.test("after too many failures an address is refused until its minute ends, with a right key too", async () => {
  const { clock, attempt } = setUp();
  for (let i = 0; i < 3; i++) await assert.rejects(attempt("guess"), WRONG);
  clock.time += 10_500;
  await assert.rejects(attempt("guess"), { ...BLOCKED, retryAfter: 50 });
  await assert.rejects(attempt("right"), BLOCKED);
  assert.equal((await attempt("right", "192.0.2.2")).key_id, "web", "other addresses are not concerned");
  clock.time += 49_500;
  assert.equal((await attempt("right")).key_id, "web");
});

Deno.test("a right and a wrong guess look the same to whoever is blocked", async () => {
  const { attempt } = setUp();
  await attempt("also");
  for (let i = 0; i < 3; i++) await assert.rejects(attempt("guess"), WRONG);
  const [wrong, right] = await Promise.all(
    ["guess", "right"].map((token) => attempt(token).catch((error: AppError) => error.toBody())),
  );
  assert.deepEqual(wrong, right);
});

Deno.test("a key that was right there within the hour is not locked out by a neighbour", async () => {
  const { clock, attempt } = setUp();
  await attempt("right");
  for (let i = 0; i < 3; i++) await assert.rejects(attempt("guess"), WRONG);
  assert.equal((await attempt("right")).key_id, "web");
  await assert.rejects(attempt("also"), BLOCKED);
  await assert.rejects(attempt("guess"), BLOCKED);
  clock.time += 3_600_000;
  for (let i = 0; i < 3; i++) await assert.rejects(attempt("guess"), WRONG);
  await assert.rejects(attempt("right"), BLOCKED);
});

Deno.test("guesses made all at once gain nothing", async () => {
  const { attempt } = setUp();
  const guesses = [...Array(50).fill("guess"), "right"];
  const outcomes = await Promise.allSettled(guesses.map((token) => attempt(token)));
  assert.ok(outcomes.every(({ status }) => status === "rejected"));
  assert.equal(outcomes.filter((one) => one.status === "rejected" && one.reason.name === WRONG.name).length, 3);
});

Deno.test("only wrong keys count: neither right ones nor failures of the server", async () => {
  const { attempt, attempts } = setUp();
  for (let i = 0; i < 10; i++) await attempt("right");
  const down = () => attempts.guard(HOME, () => Promise.reject(new AppError("UnavailableError", "Down")));
  for (let i = 0; i < 10; i++) await assert.rejects(down(), { name: "UnavailableError" });
  await assert.rejects(attempt("guess"), WRONG);
  attempts.update({ per_minute: 1 });
  await assert.rejects(attempt("guess"), { name: "TooManyRequestsError" });
});

Deno.test("whoever has one IPv6 address of a network has them all", async () => {
  const { attempt } = setUp();
  for (let i = 1; i < 4; i++) await assert.rejects(attempt("guess", `2001:db8::${i}`), WRONG);
  await assert.rejects(attempt("guess", "2001:db8::99"), BLOCKED);
  await assert.rejects(attempt("guess", "2001:db8:0:1::99"), WRONG);
});
