/**
 * A soak's judgement: what leaks is found, what breathes is not.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { pickSeed, Random } from "../support/random.ts";
import type { Sample } from "./gauges.ts";
import { conclude, judge, WARM_S } from "./trend.ts";

const seed = pickSeed();

interface Leaks {
  kb?: number;
  descriptors?: number;
  growing?: number;
  minutes?: number;
}

/** Ten minutes at 100 requests a second: a heap that fills, then breathes by 10 MB, and what a request leaves behind. */
function samplesOf({ kb = 0, descriptors = 0, growing = 1, minutes = 10 }: Leaks) {
  const random = new Random(seed);
  return Array.from({ length: minutes * 12 }, (_, i): Sample => {
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

Deno.test(`a soak whose second half began before the server was warm is not judged (TEST_SEED=${seed})`, () => {
  for (const kb of [0, 2]) {
    const trends = judge(samplesOf({ kb, growing: 0.2, minutes: 2 * WARM_S / 60 - 1 }));
    assert.deepEqual(new Set(trends.map(({ verdict }) => verdict)), new Set(["too short to judge"]));
    assert.equal(conclude(trends, 0), "too short to judge");
    assert.equal(conclude(trends, 1), "failed", "a wrong answer is wrong after a second");
  }
  assert.deepEqual(new Set(Object.values(verdicts([]))), new Set(["too short to judge"]));
});

Deno.test(`a soak passes when what counts is level, and fails when it grows (TEST_SEED=${seed})`, () => {
  const level = judge(samplesOf({ growing: 1 }));
  assert.equal(level.find(({ name }) => name === "database")!.verdict, "growing", "it is told, and doesn't count");
  assert.equal(conclude(level, 0), "passed");
  assert.equal(conclude(level, 1), "failed");
  assert.equal(conclude(judge(samplesOf({ kb: 2 })), 0), "failed");
});
