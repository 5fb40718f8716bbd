/**
 * What models were used for, when there are more calls than are summed at a stretch.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { openLibsqlStore } from "../../src/adapters/libsql/store.ts";
import { System, type SystemDeps } from "../../src/core/system/system.ts";
import type { Principal } from "../../src/domain/access.ts";
import { type Clock, systemClock, toTime } from "../../src/kit/clock.ts";
import { createLog } from "../../src/kit/log.ts";
import type { Store } from "../../src/ports/store.ts";
import { FULL_ROWS, modelCall } from "../contracts/sample_rows.ts";

const log = createLog({ level: "error", format: "text", write: () => {} });
const PRINCIPAL = { tenant_id: FULL_ROWS.model_calls.tenant_id } as Principal;
const BEGIN = Date.parse("2026-11-20T10:00:00.000Z");
const MOST = 2000;

/** A test waits for nothing else, and the system's clock keeps no process alive. */
const clock: Clock = {
  ...systemClock,
  after(ms, task) {
    const timer = setTimeout(task, ms);
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
};

/** Usage of calls that began so many milliseconds after {@linkcode BEGIN}, and how many were summed at a stretch. */
async function count(times: readonly number[], { from = -1, to = 1_000_000 }: { from?: number; to?: number } = {}) {
  await using store = await openLibsqlStore({ path: ":memory:", log });
  const rows = times.map((time, n) =>
    modelCall(`call_${n}`, { ...PRINCIPAL, started_at: toTime(BEGIN + time), input_tokens: 1, model: `m${n % 3}` })
  );
  for (let at = 0; at < rows.length; at += 500) {
    await store.commit({ writes: [{ insert: "model_calls", rows: rows.slice(at, at + 500) }] });
  }
  const stretches: number[] = [];
  const watched: Pick<Store, "read" | "sum"> = {
    read: (query) => store.read(query),
    async sum(query) {
      const found = await store.sum(query);
      stretches.push(found.reduce((sum, row) => sum + row.count, 0));
      return found;
    },
  };
  const system = new System({ store: watched, clock } as unknown as SystemDeps);
  const range = { from: toTime(BEGIN + from), to: toTime(BEGIN + to) };
  const groups = await system.usage(PRINCIPAL, { ...range, by: "model" });
  const calls = groups.reduce((sum, group) => sum + group.calls, 0);
  const tokens = groups.reduce((sum, group) => sum + group.input_tokens, 0);
  assert.equal(tokens, calls);
  return { calls, groups: groups.length, stretches };
}

const each = (length: number, ms: number) => Array.from({ length }, (_, n) => n * ms);

Deno.test("many calls are summed a part at a time, each once", async () => {
  const { calls, groups, stretches } = await count(each(5001, 7));
  assert.deepEqual({ calls, groups }, { calls: 5001, groups: 3 });
  assert.deepEqual(stretches, [MOST, MOST, 1001]);
});

Deno.test("as many as one part holds are one part, and none are none", async () => {
  assert.deepEqual((await count(each(MOST, 1))).stretches, [MOST]);
  assert.deepEqual(await count([]), { calls: 0, groups: 0, stretches: [0] });
});

Deno.test("more calls of one millisecond than a part holds are one part", async () => {
  const times = [...each(100, 1), ...Array<number>(2 * MOST + 5).fill(100), ...each(100, 1).map((ms) => 101 + ms)];
  const { calls, stretches } = await count(times);
  assert.equal(calls, times.length);
  assert.deepEqual(stretches, [100, 2 * MOST + 5, 100]);
});

Deno.test("the beginning counts, the end does not", async () => {
  assert.equal((await count(each(3000, 1), { from: 10, to: 2990 })).calls, 2980);
  assert.equal((await count(each(10, 1), { from: 5, to: 5 })).calls, 0);
});
