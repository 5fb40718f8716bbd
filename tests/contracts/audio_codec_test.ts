import { strict as assert } from "node:assert";
import { createOpusCodec } from "../../src/adapters/opus/codec.ts";
import { joinSamples } from "../../src/kit/pcm.ts";
import type { SampleRate } from "../../src/ports/audio_codec.ts";
import { Random } from "../support/random.ts";

const codec = createOpusCodec();
const FRAMES = 50;

/** The frames of a second of two tones. */
function tones(rate: number): Int16Array[] {
  const sample = (i: number) =>
    Math.round(8_000 * Math.sin(2 * Math.PI * 440 * i / rate) + 4_000 * Math.sin(2 * Math.PI * 1_234 * i / rate));
  return Array.from(
    { length: FRAMES },
    (_, frame) => Int16Array.from({ length: rate / 50 }, (_, i) => sample(frame * rate / 50 + i)),
  );
}

/** How much of `samples` is the tone of 440 Hz, as an amplitude. */
function amplitude(samples: Int16Array, rate: number): number {
  let [real, imaginary] = [0, 0];
  for (let i = 0; i < samples.length; i++) {
    real += samples[i]! * Math.cos(2 * Math.PI * 440 * i / rate);
    imaginary += samples[i]! * Math.sin(2 * Math.PI * 440 * i / rate);
  }
  return 2 * Math.hypot(real, imaginary) / samples.length;
}

for (const from of [24_000, 48_000] as const) {
  for (const to of [16_000, 24_000, 48_000] as const) {
    Deno.test(`sound at ${from} comes out at ${to}, as long and as loud`, async () => {
      await codec.load();
      using encoder = await codec.createEncoder({ rate: from, bitrate: 32_000 });
      using decoder = await codec.createDecoder({ rate: to });
      const packets = tones(from).map((frame) => encoder.encode(frame));
      const frames = packets.map((packet) => decoder.decode(packet));
      assert.deepEqual(new Set(frames.map(({ length }) => length)), new Set([to / 50]));
      const loud = amplitude(joinSamples(frames.slice(10)), to);
      assert.ok(Math.abs(loud - 8_000) < 800, `${loud}`);
      const bits = packets.reduce((sum, { length }) => sum + length * 8, 0);
      assert.ok(bits < 48_000, `${bits} bits a second for 32,000`);
      assert.equal(decoder.unreadable, 0);
    });
  }
}

Deno.test("silence is sent as well: a pause must not look like a dead line", async () => {
  using encoder = await codec.createEncoder({ rate: 24_000, bitrate: 32_000 });
  const sizes = Array.from({ length: 200 }, () => encoder.encode(new Int16Array(480)).length);
  // Two bytes and less are what Opus sends for nothing.
  assert.ok(sizes.every((size) => size > 2), `${sizes}`);
});

Deno.test("a lost packet is made up from the one after it, and better than from nothing", async () => {
  using encoder = await codec.createEncoder({ rate: 24_000, bitrate: 32_000 });
  encoder.expectLoss(25);
  // A tone that begins in the packet that is lost can't be guessed.
  const frames = tones(24_000).map((frame, i) => i < 20 ? new Int16Array(480) : frame);
  const packets = frames.map((frame) => encoder.encode(frame));
  const lost = 22;
  const energies = await Promise.all([true, false].map(async (redundant) => {
    using decoder = await codec.createDecoder({ rate: 24_000 });
    packets.slice(0, 20).forEach((packet) => decoder.decode(packet));
    for (let i = 20; i < lost; i++) decoder.conceal();
    const sound = decoder.conceal(redundant ? packets[lost + 1] : undefined);
    assert.equal(sound.length, 480);
    return sound.reduce((sum, sample) => sum + sample * sample, 0);
  }));
  assert.ok(energies[0]! > 100 * (energies[1]! + 1), `${energies}`);
});

Deno.test("loss is told in any number", async () => {
  using encoder = await codec.createEncoder({ rate: 48_000, bitrate: 24_000 });
  for (const percent of [0, 3.7, 100, 400, -1]) encoder.expectLoss(percent);
  assert.ok(encoder.encode(new Int16Array(960)).length > 0);
});

Deno.test("what is no Opus becomes 20 ms of concealed sound and is counted; nothing is thrown", async () => {
  const random = new Random(7);
  for (const rate of [16_000, 24_000, 48_000] satisfies SampleRate[]) {
    using decoder = await codec.createDecoder({ rate });
    assert.equal(decoder.decode(new Uint8Array(0)).length, rate / 50);
    assert.equal(decoder.decode(Uint8Array.of(1, 2, 3, 4, 250)).length > 0, true);
    assert.ok(decoder.unreadable >= 1);
    for (let i = 0; i < 2_000; i++) {
      const packet = Uint8Array.from({ length: random.whole(0, 200) }, () => random.whole(0, 255));
      const sound = random.chance(0.2) ? decoder.conceal(packet) : decoder.decode(packet);
      // A packet may hold up to 120 ms.
      assert.ok(sound.length > 0 && sound.length <= rate * 0.12, `${sound.length} samples`);
    }
    assert.ok(decoder.unreadable > 100);
  }
});

Deno.test("a frame of another length is refused with its length", async () => {
  using encoder = await codec.createEncoder({ rate: 24_000, bitrate: 32_000 });
  assert.throws(() => encoder.encode(new Int16Array(100)), /200 bytes; expected 960/);
});
