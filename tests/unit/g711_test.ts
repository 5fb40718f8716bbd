import { strict as assert } from "node:assert";
import { fromG711, toG711 } from "../../src/kit/g711.ts";

const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);

Deno.test("every byte of both laws comes back as what it means", () => {
  for (const law of ["mu", "a"] as const) {
    const samples = fromG711(all, law);
    assert.deepEqual([...fromG711(toG711(samples, law), law)], [...samples], law);
  }
});

Deno.test("known values of the tables of G.711", () => {
  assert.deepEqual([...fromG711(Uint8Array.of(0x00, 0x7f, 0x80, 0xff), "mu")], [-32_124, 0, 32_124, 0]);
  assert.deepEqual([...fromG711(Uint8Array.of(0x2a, 0x55, 0xaa, 0xd5), "a")], [-32_256, -8, 32_256, 8]);
});

Deno.test("a sample comes back as near as its loudness allows", () => {
  for (const law of ["mu", "a"] as const) {
    for (let sample = -32_768; sample <= 32_767; sample += 7) {
      const [back] = fromG711(toG711(Int16Array.of(sample), law), law);
      assert.ok(Math.abs(back! - sample) <= Math.max(16, Math.abs(sample) / 16), `${law} ${sample} ${back}`);
    }
  }
});
