/**
 * The wake's contract in one process.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { MemoryWake } from "../../src/adapters/memory/wake.ts";
import { createLog } from "../../src/kit/log.ts";
import { testWake } from "./wake_contract.ts";

const lines: string[] = [];
const log = createLog({ level: "error", format: "text", write: (line) => void lines.push(line) });

testWake("in process", async () => new MemoryWake({ log }), async () => {});

Deno.test("an in-process wake calls before it returns, logs what fails, and keeps no topic without a listener", () => {
  const wake = new MemoryWake({ log });
  const called: number[] = [];
  lines.length = 0;
  const subscriptions = Array.from({ length: 1000 }, (_, n) => wake.subscribe(`run:${n % 500}`, () => called.push(n)));
  const failing = wake.subscribe("run:1", () => {
    throw new Error("It went wrong");
  });
  wake.notify("run:1");
  assert.deepEqual(called, [1, 501]);
  assert.equal(lines.length, 1);
  assert.match(lines[0]!, /A listener failed topic=run:1/);
  assert.equal(wake.size, 500);
  for (const subscription of [failing, ...subscriptions]) subscription[Symbol.dispose]();
  assert.equal(wake.size, 0);
});
