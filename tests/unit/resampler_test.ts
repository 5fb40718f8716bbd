import { strict as assert } from "node:assert";
import { joinSamples } from "../../src/kit/pcm.ts";
import { Resampler } from "../../src/kit/resampler.ts";

const SECONDS = 0.5;

function sine(rate: number, hertz: number): Int16Array {
  return Int16Array.from(
    { length: rate * SECONDS },
    (_, i) => Math.round(16_000 * Math.sin(2 * Math.PI * hertz * i / rate)),
  );
}

/** Through a resampler in pieces of 20 ms. */
function resample(samples: Int16Array, from: number, to: number, piece = Math.round(from / 50)): Int16Array {
  const resampler = new Resampler({ from, to });
  const parts: Int16Array[] = [];
  for (let at = 0; at < samples.length; at += piece) parts.push(resampler.push(samples.subarray(at, at + piece)));
  return joinSamples([...parts, resampler.end()]);
}

/** How far `got` is from the same sine at its rate, in dB, without the ends, where a filter has nothing to work on. */
function noise(got: Int16Array, wanted: Int16Array): number {
  let signal = 0;
  let error = 0;
  for (let i = Math.round(wanted.length * 0.1); i < wanted.length * 0.9; i++) {
    signal += wanted[i]! ** 2;
    error += (got[i]! - wanted[i]!) ** 2;
  }
  return 10 * Math.log10(signal / error);
}

for (
  const [from, to] of [
    [16_000, 24_000],
    [22_050, 24_000],
    [22_050, 48_000],
    [48_000, 16_000],
    [44_100, 24_000],
    [
      8_000,
      24_000,
    ],
    [24_000, 16_000],
    [11_025, 24_000],
  ] as const
) {
  Deno.test(`a sine of 440 and of 3,000 Hz is the same sine at ${to} as at ${from}, at the same time`, () => {
    for (const hertz of [440, 3_000]) {
      const got = resample(sine(from, hertz), from, to);
      const wanted = sine(to, hertz);
      assert.ok(Math.abs(got.length - wanted.length) <= 1, `${got.length} samples, wanted ${wanted.length}`);
      // Rounding to 16 bits alone leaves about 86 dB of a sine of this loudness.
      const db = noise(got, wanted);
      assert.ok(db > 75, `${hertz} Hz: ${db.toFixed(1)} dB`);
    }
  });
}

Deno.test("rates without a common measure are good enough for speech", () => {
  const db = noise(resample(sine(44_101, 1_000), 44_101, 24_000), sine(24_000, 1_000));
  assert.ok(db > 55, `${db.toFixed(1)} dB`);
});

Deno.test("what the lower rate can't hold is gone, not folded back", () => {
  const got = resample(sine(48_000, 10_000), 48_000, 16_000);
  const loudest = got.subarray(800, -800).reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
  assert.ok(loudest < 16, `${loudest}`);
});

Deno.test("the result doesn't depend on how the sound is cut", () => {
  const samples = sine(22_050, 700);
  const whole = resample(samples, 22_050, 24_000, samples.length);
  for (const piece of [1, 7, 441, 5_000]) assert.deepEqual(resample(samples, 22_050, 24_000, piece), whole);
});

Deno.test("after its end a resampler begins anew", () => {
  const resampler = new Resampler({ from: 22_050, to: 24_000 });
  const once = () => joinSamples([resampler.push(sine(22_050, 700)), resampler.end()]);
  assert.deepEqual(once(), once());
});

Deno.test("the same rate changes nothing, and an impossible one is refused", () => {
  const samples = sine(24_000, 440);
  assert.deepEqual(resample(samples, 24_000, 24_000), samples);
  assert.throws(() => new Resampler({ from: 0, to: 24_000 }), /0 is no usable rate/);
});
