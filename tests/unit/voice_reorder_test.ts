/** Packets of a network on which some overtake others. */
import assert from "node:assert/strict";
import { Reorder } from "../../src/core/voice/reorder.ts";
import type { MediaPacket } from "../../src/ports/peers.ts";

const BASE_MS = 60;

function packet(sequence: number): MediaPacket {
  const payload = new Uint8Array(1);
  return { mid: "0", kind: "audio", payload, sequence: sequence & 0xffff, timestamp: 0, marker: false };
}

/** How long those behind a packet that never comes are held back, from `now` on. */
function heldFor(reorder: Reorder, missing: number, now: number): number {
  reorder.push(packet(missing + 1), now);
  for (let ms = 0;; ms += 5) if ([...reorder.take(now + ms)].length > 0) return ms;
}

Deno.test("who comes late again and again is waited for longer, up to a limit, and no longer when all is calm", () => {
  const reorder = new Reorder({ wait_ms: BASE_MS });
  reorder.push(packet(65_534), 0);
  assert.equal([...reorder.take(0)].length, 1);
  assert.equal(heldFor(reorder, 65_535, 20), BASE_MS);
  reorder.push(packet(65_535), 120);
  assert.equal(reorder.stale, 1);
  assert.equal(heldFor(reorder, 1, 140), 110, "a little more than the hundred it took");
  reorder.push(packet(1), 1140);
  assert.equal(heldFor(reorder, 3, 1200), 200, "the limit");
  for (let n = 5; n < 1005; n++) {
    reorder.push(packet(n), 1400 + n * 20);
    assert.equal([...reorder.take(1400 + n * 20)].length, 1);
  }
  assert.equal(heldFor(reorder, 1005, 30_000), BASE_MS);
});

Deno.test("one that comes twice changes nothing", () => {
  const reorder = new Reorder({ wait_ms: BASE_MS });
  for (const n of [1, 2, 3]) {
    reorder.push(packet(n), n * 20);
    assert.equal([...reorder.take(n * 20)].length, 1);
  }
  reorder.push(packet(2), 500);
  assert.equal(reorder.stale, 1);
  assert.equal(heldFor(reorder, 4, 520), BASE_MS);
});

Deno.test("another stream begins anew, wherever its numbers are", () => {
  const reorder = new Reorder({ wait_ms: BASE_MS });
  reorder.push({ ...packet(5000), ssrc: 1 }, 0);
  assert.equal([...reorder.take(0)].length, 1);
  reorder.push({ ...packet(4100), ssrc: 2 }, 20);
  assert.equal([...reorder.take(20)].length, 1);
  assert.equal(reorder.stale, 0);
});
