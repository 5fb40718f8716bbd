/**
 * A soak's judgement: what leaks is found, what breathes is not.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { pickSeed, Random } from "../support/random.ts";
import type { Sample } from "./gauges.ts";
import { type CallSample, conclude, judge, judgeCall, type Trend, WARM_S } from "./trend.ts";

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

/** What a call of ten minutes was measured as: late when the machine is busy, and a page that breathes. */
function callSamplesOf({ drift_ms = 0, page = 0 }: { drift_ms?: number; page?: number }): CallSample[] {
  const random = new Random(seed);
  return Array.from({ length: 120 }, (_, i) => ({
    at: (i + 1) * 5,
    asked: i,
    late_ms: -1000 + random.next() * 10 + (i % 5 === 0 ? 500 : 0) + drift_ms * i / 120,
    waited_ms: 100 + random.next() * 50,
    heap: 3.5 + random.next() * 0.3 + i * 0.015 + page * i / 120,
  }));
}

function verdictsOf(trends: readonly Trend[]): Record<string, string> {
  return Object.fromEntries(trends.map(({ name, verdict }) => [name, verdict]));
}

function verdicts(samples: Sample[]): Record<string, string> {
  return verdictsOf(judge(samples));
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
    assert.equal(conclude({ trends, wrong: 0, missing: [] }), "too short to judge");
    assert.equal(conclude({ trends, wrong: 1, missing: [] }), "failed", "a wrong answer is wrong after a second");
  }
  assert.deepEqual(new Set(Object.values(verdicts([]))), new Set(["too short to judge"]));
});

Deno.test(`a soak passes when what counts is level, and fails when it grows (TEST_SEED=${seed})`, () => {
  const level = judge(samplesOf({ growing: 1 }));
  assert.equal(level.find(({ name }) => name === "database")!.verdict, "growing", "it is told, and doesn't count");
  assert.equal(conclude({ trends: level, wrong: 0, missing: [] }), "passed");
  assert.equal(conclude({ trends: level, wrong: 1, missing: [] }), "failed");
  assert.equal(conclude({ trends: judge(samplesOf({ kb: 2 })), wrong: 0, missing: [] }), "failed");
});

Deno.test(`sound that comes later and later is found, and so is a page that grows (TEST_SEED=${seed})`, () => {
  const found = verdictsOf(judgeCall(callSamplesOf({})));
  assert.deepEqual(new Set(Object.values(found)), new Set(["level"]), JSON.stringify(found));
  assert.equal(verdictsOf(judgeCall(callSamplesOf({ drift_ms: 150 })))["drift of the call's sound"], "growing");
  assert.equal(verdictsOf(judgeCall(callSamplesOf({ page: 6 })))["heap of the call's page"], "growing");
});

Deno.test(`a soak in which nobody could call is not passed (TEST_SEED=${seed})`, () => {
  const trends = judge(samplesOf({ growing: 0.2 }));
  assert.equal(conclude({ trends, wrong: 0, missing: ["chromium"] }), "incomplete");
  assert.equal(conclude({ trends: [], wrong: 0, missing: ["chromium"] }), "incomplete");
  assert.equal(conclude({ trends, wrong: 1, missing: ["chromium"] }), "failed");
});
