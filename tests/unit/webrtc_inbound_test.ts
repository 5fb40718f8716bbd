import assert from "node:assert/strict";
import { Inbound } from "../../src/adapters/webrtc/inbound.ts";

const SSRC = 7;

/** A stream of sound of which each packet holds 20 ms. */
function stream(options: { first?: number; stale_ms?: number } = {}) {
  const { first = 0, stale_ms = 200 } = options;
  const inbound = new Inbound({ mid: "0", kind: "audio", stale_ms });
  return {
    inbound,
    /** Takes packet `n` at `now`; says whether it goes on. */
    take: (n: number, now: number, other: { ssrc?: number; timestamp?: number } = {}) =>
      inbound.take({
        ssrc: SSRC,
        sequence: (first + n) & 0xffff,
        timestamp: ((first + n) * 960) >>> 0,
        marker: false,
        payload: new Uint8Array(10),
        ...other,
      }, now) !== undefined,
  };
}

Deno.test("Each packet is taken once, in whatever order it comes", () => {
  const { inbound, take } = stream({ first: 65_530 });
  const order = [0, 1, 3, 2, 3, 2, 5, 6, 7, 8, 9, 4, 4, 0];
  const taken = order.map((n) => take(n, n * 20));
  assert.deepEqual(taken, [true, true, true, true, false, false, true, true, true, true, true, true, false, false]);
  assert.deepEqual(inbound.counts, { packets: 10, bytes: 100, repeated: 4, stale: 0 });
  assert.equal(inbound.lost, 0);
});

Deno.test("What is missing is counted, also around the end of numbers and over a change of streams", () => {
  const { inbound, take } = stream({ first: 65_530 });
  for (let n = 0; n < 100; n++) if (n % 10 !== 3) take(n, n * 20);
  assert.equal(inbound.lost, 10);
  for (let n = 0; n < 50; n++) if (n !== 20) take(5000 + n, 3000 + n * 20, { ssrc: SSRC + 1 });
  assert.equal(inbound.lost, 11);
});

Deno.test("What is far behind is dropped", () => {
  const { inbound, take } = stream();
  for (let n = 0; n < 3000; n++) assert.equal(take(n, n * 20), true);
  assert.equal(take(1500, 60_000), false);
  assert.equal(inbound.counts.repeated, 1);
  assert.equal(inbound.lost, 0);
});

Deno.test("Sound that waited too long is dropped, until it is quick again", () => {
  const { inbound, take } = stream();
  for (let n = 0; n < 100; n++) take(n, n * 20 + 30);
  // A second passes in which nothing is read; then all comes at once.
  const late = Array.from({ length: 50 }, (_, n) => take(100 + n, 3000 + 30));
  assert.equal(late.filter((one) => !one).length, 40);
  assert.deepEqual(late.slice(-10), new Array(10).fill(true));
  assert.equal(inbound.counts.stale, 40);
  assert.equal(take(150, 3030), true);
});

Deno.test("A sender whose clock jumps is heard again after a while", () => {
  const { inbound, take } = stream();
  for (let n = 0; n < 100; n++) take(n, n * 20);
  const jumped = Array.from({ length: 300 }, (_, n) => take(100 + n, 2000 + n * 20, { timestamp: n * 960 }));
  assert.equal(jumped[0], false);
  assert.equal(jumped.indexOf(true), 10);
  assert.equal(jumped.slice(10).every((one) => one), true);
  assert.equal(inbound.counts.stale, 10);
});

Deno.test("Sound that is late for long is heard again, however unsteady it is", () => {
  const { inbound, take } = stream();
  for (let n = 0; n < 100; n++) take(n, n * 20);
  const late = Array.from({ length: 300 }, (_, n) => take(100 + n, 3000 + n * 20 + n % 2 * 150));
  assert.equal(late.indexOf(true), 243);
  assert.equal(inbound.counts.stale, 243);
});

Deno.test("A sender that is too busy to keep time is heard", () => {
  const { inbound, take } = stream();
  // Each second its clock loses a tenth of one.
  for (let n = 0; n < 3000; n++) take(n, n * 20 + Math.floor(n / 50) * 100);
  assert.ok(inbound.counts.stale < 300, `${inbound.counts.stale} dropped`);
});

Deno.test("A sender whose clock stood still while it paused is heard again at once", () => {
  const { inbound, take } = stream();
  for (let n = 0; n < 100; n++) take(n, n * 20);
  const resumed = Array.from({ length: 100 }, (_, n) => take(100 + n, 7000 + n * 20 + n % 3 * 10));
  assert.equal(resumed.indexOf(true), 10);
  assert.equal(resumed.slice(10).every((one) => one), true);
  assert.equal(inbound.counts.stale, 10);
});

Deno.test("A slow drift of clocks is not lateness", () => {
  const { inbound, take } = stream();
  for (let n = 0; n < 30_000; n++) take(n, n * 20.02);
  assert.equal(inbound.counts.stale, 0);
});

Deno.test("Jitter is the mean deviation of the times between packets", () => {
  const even = stream();
  for (let n = 0; n < 200; n++) even.take(n, 1000 + n * 20);
  assert.equal(even.inbound.jitter_ms, 0);
  const uneven = stream();
  for (let n = 0; n < 2000; n++) uneven.take(n, 1000 + n * 20 + (n % 2) * 10);
  assert.ok(Math.abs(uneven.inbound.jitter_ms - 10) < 0.1, `${uneven.inbound.jitter_ms}`);
});
