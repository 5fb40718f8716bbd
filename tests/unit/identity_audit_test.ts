/**
 * The audit: batches, floods, outages and secrets.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { Audit, type AuditEntry } from "../../src/core/identity/audit.ts";
import { ANONYMOUS } from "../../src/domain/access.ts";
import type { AuditRow } from "../../src/domain/table.ts";
import type { Change } from "../../src/ports/store.ts";

const REFUSAL: AuditEntry = {
  principal: ANONYMOUS,
  action: "identify",
  outcome: "refused",
  error: "UnauthorizedError",
  address: "192.0.2.1",
  request_id: "req_1",
};
const ACT: AuditEntry = {
  principal: { tenant_id: "acme", key_id: "ops", access: "admin", scopes: [], may_assert_user: true },
  action: "agent_delete",
  outcome: "allowed",
  address: "192.0.2.2",
  request_id: "req_2",
  details: { agent_id: "scout" },
};

/** An audit whose time stands still, over a table that can be made to fail. */
function setUp() {
  const timers = new Set<{ at: number; task: () => void }>();
  const clock = {
    time: 1_700_000_000_000,
    now: () => clock.time,
    after(ms: number, task: () => void) {
      const timer = { at: clock.time + ms, task };
      timers.add(timer);
      return { [Symbol.dispose]: () => void timers.delete(timer) };
    },
    every: () => assert.fail("not used"),
  };
  const table = new Map<string, AuditRow>();
  const state = { down: false, commits: 0 };
  const store = {
    async commit({ writes }: Change) {
      if (state.down) throw new Error("database is locked");
      state.commits += 1;
      for (const write of writes) {
        assert.ok("upsert" in write && write.upsert === "audit");
        table.set(write.row.id, structuredClone(write.row));
      }
    },
  };
  const warnings: string[] = [];
  const audit = new Audit({ store, clock, log: { warn: (message) => void warnings.push(message) } });
  async function move(ms: number) {
    for (const end = clock.time + ms; clock.time < end;) {
      clock.time = Math.min(end, clock.time + 500);
      for (const timer of [...timers].filter(({ at }) => at <= clock.time)) {
        timers.delete(timer);
        timer.task();
      }
      await new Promise((resolve) => setTimeout(resolve));
    }
  }
  return { audit, move, table, state, warnings, timers, rows: () => [...table.values()] };
}

Deno.test("what is recorded within a second is written together", async () => {
  const { audit, move, rows, state, timers } = setUp();
  audit.record(REFUSAL);
  audit.record(ACT);
  audit.record(ACT);
  assert.equal(rows().length, 0);
  await move(1_000);
  assert.equal(state.commits, 1);
  const [refusal, act, again] = rows();
  assert.deepEqual([refusal!.key_id, refusal!.user_id, refusal!.error], ["anonymous", null, "UnauthorizedError"]);
  assert.deepEqual([act!.tenant_id, act!.action, act!.error], ["acme", "agent_delete", null]);
  assert.deepEqual(act!.details, { agent_id: "scout" });
  assert.notEqual(act!.id, again!.id, "acts are never merged");
  await move(20_000);
  assert.deepEqual([state.commits, timers.size], [1, 0], "nothing new, nothing to do");
});

Deno.test("a flood of the same refusal is one row that counts, for ten seconds", async () => {
  const { audit, move, rows } = setUp();
  for (let i = 0; i < 5_000; i++) audit.record({ ...REFUSAL, request_id: `req_${i}` });
  await move(1_000);
  assert.deepEqual(rows().map(({ request_id, details }) => [request_id, details]), [["req_0", { count: 5_000 }]]);
  audit.record(REFUSAL);
  audit.record({ ...REFUSAL, address: "192.0.2.9" });
  audit.record({ ...REFUSAL, error: "TooManyRequestsError" });
  await move(1_000);
  assert.deepEqual(rows().map(({ details }) => details.count), [5_001, undefined, undefined]);
  await move(10_000);
  audit.record(REFUSAL);
  await move(1_000);
  assert.equal(rows().length, 4);
});

Deno.test("a flood from everywhere is bounded, and hides no act of administration", async () => {
  const { audit, move, rows } = setUp();
  for (let i = 0; i < 20_000; i++) audit.record({ ...REFUSAL, address: `10.0.${i >> 8}.${i & 255}` });
  audit.record(ACT);
  await move(1_000);
  const lost = rows().find(({ action }) => action === "audit_overflow");
  assert.equal(lost?.details.count, 20_000 - 900);
  assert.equal(rows().length, 902);
  assert.ok(rows().some(({ action }) => action === "agent_delete"));
});

Deno.test("an outage of the store loses nothing and throws nothing", async () => {
  const { audit, move, rows, state, warnings } = setUp();
  state.down = true;
  audit.record(ACT);
  for (let i = 0; i < 60; i++) {
    audit.record(REFUSAL);
    await move(1_000);
  }
  assert.equal(rows().length, 0);
  assert.equal(new Set(warnings).size, 1);
  state.down = false;
  await move(1_000);
  assert.deepEqual(rows().map(({ action, details }) => [action, details]), [
    ["agent_delete", { agent_id: "scout" }],
    ["identify", { count: 60 }],
  ]);
});

Deno.test("disposal writes the rest and leaves no timer", async () => {
  const { audit, rows, timers, state } = setUp();
  audit.record(ACT);
  await audit[Symbol.asyncDispose]();
  assert.equal(rows().length, 1);
  assert.equal(timers.size, 0);
  audit.record(ACT);
  state.down = true;
  await audit[Symbol.asyncDispose]();
  assert.equal(timers.size, 0);
});

Deno.test("no secret and nothing huge is stored", async () => {
  const { audit, rows } = setUp();
  const secret = "sk_muxi_user_abcdefghijkl";
  audit.record({
    ...ACT,
    request_id: `x ${secret}`,
    details: {
      api_key: "hunter2",
      nested: [{ password: "hunter2", note: `it was ${secret}` }],
      tokens: 12,
      text: "a".repeat(900),
    },
  });
  audit.record({ ...ACT, details: { list: Array(5_000).fill("a") } });
  const loop: Record<string, unknown> = {};
  loop.loop = loop;
  audit.record({ ...ACT, details: loop });
  await audit.flush();
  const text = JSON.stringify(rows());
  assert.ok(!text.includes(secret) && !text.includes("hunter2"), text);
  assert.ok(text.length < 3_000);
  const [masked, huge, circular] = rows();
  assert.equal(masked!.details.tokens, 12);
  assert.deepEqual(huge!.details, { left_out: "20010 characters" });
  assert.deepEqual(circular!.details, { left_out: "not plain data" });
});
