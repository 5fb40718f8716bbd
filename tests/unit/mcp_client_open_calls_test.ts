import { strict as assert } from "node:assert";
import { OpenCalls } from "../../src/adapters/mcp/open_calls.ts";
import { MovingClock, settle } from "../support/moving_clock.ts";

const { signal } = new AbortController();

function openCalls() {
  const clock = new MovingClock();
  return { clock, calls: new OpenCalls({ server: "files", askers: new Set(), clock }) };
}

const asking = (calls: OpenCalls, known?: string) => calls.asking({ known, signal }, (asked) => Promise.resolve(asked));

Deno.test("a question belongs to the call on whose stream it came, whatever else is under way", async () => {
  const { calls } = openCalls();
  using _ada = await calls.enter({ tool_call_id: "ada" }, signal);
  using _bob = await calls.enter({ tool_call_id: "bob" }, signal);
  assert.deepEqual(await asking(calls, "bob"), { tool_call_id: "bob" });
});

Deno.test("a question outside of calls belongs to none", async () => {
  const { calls } = openCalls();
  assert.deepEqual(await asking(calls), { among: [] });
});

Deno.test("nobody can tell in time: the question belongs to no call, and later calls stand in line", async () => {
  const { clock, calls } = openCalls();
  const ada = await calls.enter({ tool_call_id: "ada" }, signal);
  const bob = await calls.enter({ tool_call_id: "bob" }, signal);
  const asked = asking(calls);
  await clock.pass(35_000);
  assert.deepEqual(await asked, { among: ["ada", "bob"] });
  let isIn = false;
  const cleo = calls.enter({ tool_call_id: "cleo" }, signal).then((entered) => {
    isIn = true;
    return entered;
  });
  for (const call of [ada, bob]) {
    assert.equal(isIn, false);
    call.answered();
    call[Symbol.dispose]();
    await settle();
  }
  (await cleo)[Symbol.dispose]();
  assert.equal(clock.timers, 0);
});

Deno.test("who stands in line too long is told why, and who leaves is gone", async () => {
  const { clock, calls } = openCalls();
  using _ = await calls.enter({ tool_call_id: "ada" }, signal);
  await asking(calls);
  const late = calls.enter({ tool_call_id: "bob" }, signal).catch((error) => error);
  await clock.pass(40_000);
  const error = await late;
  assert.equal(error.name, "UnavailableError");
  assert.match(error.message, /"files" now: it asks people without saying in which call/);
  const leaving = new AbortController();
  const left = calls.enter({ tool_call_id: "cleo" }, leaving.signal);
  leaving.abort(new Error("Enough"));
  await assert.rejects(left, /Enough/);
  assert.equal(clock.timers, 0);
});

Deno.test("a call that waits for its person keeps nobody waiting", async () => {
  const { calls } = openCalls();
  using _ada = await calls.enter({ tool_call_id: "ada" }, signal);
  const thinking = Promise.withResolvers<void>();
  const asked = calls.asking({ known: undefined, signal }, async ({ tool_call_id }) => {
    await thinking.promise;
    return tool_call_id;
  });
  await settle();
  using _bob = await calls.enter({ tool_call_id: "bob" }, signal);
  thinking.resolve();
  assert.equal(await asked, "ada");
});

Deno.test("nobody is shown what a server asks in the call of another that was given up", async () => {
  const { clock, calls } = openCalls();
  (await calls.enter({ tool_call_id: "ada" }, signal))[Symbol.dispose]();
  using _ = await calls.enter({ tool_call_id: "bob" }, signal);
  const asked = asking(calls);
  await clock.pass(35_000);
  assert.deepEqual(await asked, { among: ["bob"] });
  await clock.pass(60_000);
  assert.deepEqual(await asking(calls), { tool_call_id: "bob" });
});

Deno.test("whoever gives a call up and tries again is asked: the question is theirs, of whichever call", async () => {
  const { calls } = openCalls();
  (await calls.enter({ tool_call_id: "first", owner: "ada" }, signal))[Symbol.dispose]();
  const again = await calls.enter({ tool_call_id: "again", owner: "ada" }, signal);
  assert.deepEqual(await asking(calls), { tool_call_id: "again" });
  again.answered();
  again[Symbol.dispose]();
  using _ = await calls.enter({ tool_call_id: "bob", owner: "bob" }, signal);
  assert.deepEqual(await asking(calls), { among: ["bob"] }, "another is not asked what may be hers");
});

Deno.test("where every call asks, one is given up so that the other is asked", async () => {
  const { clock, calls } = openCalls();
  const ada = await calls.enter({ tool_call_id: "ada" }, signal);
  using _ = await calls.enter({ tool_call_id: "bob" }, signal);
  const first = asking(calls);
  const second = asking(calls);
  assert.deepEqual(await first, { among: ["ada", "bob"] });
  ada.answered();
  ada[Symbol.dispose]();
  assert.deepEqual(await second, { tool_call_id: "bob" });
  assert.equal(clock.timers, 0);
});
