/**
 * What the sandbox decided, on record while a program still runs.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { recordDecisions } from "../../src/app/sandbox_audit.ts";
import { Audit } from "../../src/core/identity/audit.ts";
import type { AuditRow } from "../../src/domain/table.ts";
import type { Decision, Process } from "../../src/ports/sandbox.ts";
import type { Change } from "../../src/ports/store.ts";
import { MovingClock } from "../support/moving_clock.ts";

Deno.test("decisions are on record half a minute later, each once, and the last at the end", async () => {
  const clock = new MovingClock();
  const rows = new Map<string, AuditRow>();
  const store = {
    commit({ writes }: Change) {
      for (const write of writes ?? []) {
        if ("upsert" in write) rows.set((write.row as AuditRow).id, write.row as AuditRow);
      }
      return Promise.resolve(0 as never);
    },
  };
  await using audit = new Audit({ store, clock, log: { warn: () => {} } });
  const ended = Promise.withResolvers<string>();
  let decisions: Decision[] = [];
  const process = {
    report: { tier: "full", policy: "strict", ceilings: [], watchable: true, decisions: () => decisions },
    exited: ended.promise,
  } as unknown as Process;
  recordDecisions(process, { action: "sandbox:guest", audit, clock });
  const told = () =>
    [...rows.values()].map(({ outcome, details }) => {
      const { allowed, denied, refused } = details as Record<string, unknown>;
      return [outcome, allowed, denied, refused];
    });
  const decide = (value: string, allowed: number, denied: number) => {
    decisions = [...decisions.filter((one) => one.value !== value), { permission: "read", value, allowed, denied }];
  };
  await clock.pass(31_000);
  assert.deepEqual(told(), []);
  decide("/a", 2, 0);
  decide("/b", 0, 3);
  await clock.pass(32_000);
  assert.deepEqual(told(), [["refused", 2, 3, ["read /b"]]]);
  // Nothing new is told twice.
  await clock.pass(60_000);
  assert.equal(told().length, 1);
  decide("/a", 5, 0);
  await clock.pass(31_000);
  assert.deepEqual(told().slice(1), [["allowed", 3, 0, []]]);
  // Two refusals shortly after one another stay two, since each says what was refused.
  decide("/c", 0, 1);
  await clock.pass(31_000);
  decide("/d", 0, 1);
  ended.resolve("exit code 0");
  await clock.pass(2_000);
  assert.deepEqual(told().slice(2), [["refused", 0, 1, ["read /c"]], ["refused", 0, 1, ["read /d"]]]);
  decide("/e", 1, 0);
  await clock.pass(120_000);
  assert.equal(told().length, 4);
});
