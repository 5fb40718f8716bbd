import { strict as assert } from "node:assert";
import { amplify, joinSamples, levelOf, SampleReader, SILENCE_DB, toBytes } from "../../src/kit/pcm.ts";

Deno.test("levels are in dBFS: silence is the bottom, a full sine -3, half of it 6 less", () => {
  assert.equal(levelOf(new Int16Array(320)), SILENCE_DB);
  assert.equal(levelOf(new Int16Array(0)), SILENCE_DB);
  const sine = Int16Array.from(
    { length: 16_000 },
    (_, i) => Math.round(32_767 * Math.sin(2 * Math.PI * 440 * i / 16_000)),
  );
  assert.ok(Math.abs(levelOf(sine) + 3.01) < 0.01);
  assert.ok(Math.abs(levelOf(amplify(sine, 0.5)) + 9.03) < 0.01);
  assert.equal(Math.abs(levelOf(new Int16Array(100).fill(-32_768))), 0);
});

Deno.test("what would be too loud is cut, not turned around", () => {
  assert.deepEqual([...amplify(Int16Array.of(20_000, -20_000, 3), 2)], [32_767, -32_768, 6]);
});

Deno.test("samples survive as bytes, however they are cut", () => {
  const samples = Int16Array.of(1, -2, 32_767, -32_768, 5, 0x1234);
  const bytes = toBytes(samples);
  assert.deepEqual([...bytes.subarray(10)], [0x34, 0x12]);
  for (let first = 0; first <= bytes.length; first++) {
    for (let second = first; second <= bytes.length; second++) {
      const reader = new SampleReader();
      const parts = [bytes.subarray(0, first), bytes.subarray(first, second), bytes.subarray(second)];
      assert.deepEqual(joinSamples(parts.map((part) => reader.push(part))), samples);
    }
  }
});
