/**
 * A soak's judgement: what leaks is found, what breathes is not.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { pickSeed, Random } from "../support/random.ts";
import type { Sample } from "./gauges.ts";
import { judge } from "./trend.ts";

const seed = pickSeed();

/** Ten minutes at 100 requests a second: a heap that fills, then breathes by 10 MB, and what a request leaves behind. */
function samplesOf({ kb = 0, descriptors = 0, growing = 1 }: { kb?: number; descriptors?: number; growing?: number }) {
  const random = new Random(seed);
  return Array.from({ length: 120 }, (_, i): Sample => {
    const at = (i + 1) * 5;
    const requests = at * 100;
    return {
      at,
      memory: 120 + 80 * Math.min(1, at / 60) + random.next() * 10 + kb * requests / 1024,
      descriptors: 110 + random.whole(-3, 3) + Math.floor(requests * descriptors),
      lag: { p50: 1, p99: 10 + random.next() * 5, max: 20 },
      database: 5 + Math.min(growing, at / 600) * 5,
      requests,
      cpu: 0.7,
    };
  });
}

function verdicts(samples: Sample[]): Record<string, string> {
  return Object.fromEntries(judge(samples).map(({ name, verdict }) => [name, verdict]));
}

Deno.test(`a server that breathes is level (TEST_SEED=${seed})`, () => {
  const found = verdicts(samplesOf({ growing: 0.2 }));
  assert.deepEqual(new Set(Object.values(found)), new Set(["level"]), JSON.stringify(found));
});

Deno.test(`2 KB a request are a leak, and so is a descriptor in a thousand (TEST_SEED=${seed})`, () => {
  assert.equal(verdicts(samplesOf({ kb: 2 })).memory, "growing");
  assert.equal(verdicts(samplesOf({ descriptors: 0.001 })).descriptors, "growing");
  assert.equal(verdicts(samplesOf({ growing: 1 })).database, "growing");
});
