import { strict as assert } from "node:assert";
import { toWav, WavError, WavReader } from "../../src/adapters/speech/wav.ts";
import { joinSamples } from "../../src/kit/pcm.ts";
import { Random } from "../support/random.ts";

const samples = Int16Array.from({ length: 500 }, (_, i) => i * 50 - 12_000);

function read(file: Uint8Array, piece = file.length): { samples: number[]; rate: number | undefined } {
  const reader = new WavReader();
  const parts: Int16Array[] = [];
  for (let at = 0; at < file.length; at += piece) parts.push(reader.push(file.subarray(at, at + piece)));
  return { samples: [...joinSamples(parts)], rate: reader.rate };
}

/** A file of any format; `values` are written by `write`. */
function make(
  { kind = 1, channels = 1, bits = 16, rate = 16_000, size, before = [] }: {
    kind?: number;
    channels?: number;
    bits?: number;
    rate?: number;
    size?: number;
    before?: number[];
  },
  count: number,
  write: (view: DataView, i: number) => void,
): Uint8Array<ArrayBuffer> {
  const data = count * bits / 8;
  const file = new Uint8Array(44 + before.length + data);
  const view = new DataView(file.buffer);
  const name = (at: number, text: string) => file.set(new TextEncoder().encode(text), at);
  name(0, "RIFF");
  name(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, kind, true);
  view.setUint16(22, channels, true);
  view.setUint32(24, rate, true);
  view.setUint16(34, bits, true);
  file.set(before, 36);
  name(36 + before.length, "data");
  view.setUint32(40 + before.length, size ?? data, true);
  for (let i = 0; i < count; i++) write(new DataView(file.buffer, 44 + before.length), i);
  return file;
}

Deno.test("what is written can be read, however it is cut", () => {
  const file = toWav(samples, 22_050);
  for (const piece of [file.length, 1, 3, 44, 45, 100]) {
    assert.deepEqual(read(file, piece), { samples: [...samples], rate: 22_050 });
  }
});

Deno.test("ffprobe takes what is written for a WAV file", async () => {
  const path = await Deno.makeTempFile({ suffix: ".wav" });
  try {
    await Deno.writeFile(path, toWav(new Int16Array(16_000), 16_000));
    const { stdout, stderr } = await new Deno.Command("ffprobe", {
      args: ["-v", "error", "-show_entries", "stream=codec_name,sample_rate,channels,duration", "-of", "csv=p=0", path],
    }).output();
    assert.equal(new TextDecoder().decode(stderr), "");
    assert.equal(new TextDecoder().decode(stdout).trim(), "pcm_s16le,16000,1,1.000000");
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("a length that nobody knew yet means to the end", () => {
  for (const size of [0, 0x7fff_f000, 0xffff_ffff]) {
    const file = make({ size }, 500, (view, i) => view.setInt16(i * 2, samples[i]!, true));
    assert.deepEqual(read(file, 77).samples, [...samples]);
  }
});

Deno.test("what follows the sound is no sound, and what precedes it is skipped", () => {
  const list = [...new TextEncoder().encode("LIST"), 3, 0, 0, 0, 1, 2, 3, 0];
  const file = make({ before: list }, 500, (view, i) => view.setInt16(i * 2, samples[i]!, true));
  const longer = new Uint8Array([...file, ...list]);
  for (const piece of [1, 13, longer.length]) assert.deepEqual(read(longer, piece).samples, [...samples]);
});

Deno.test("8, 24 and 32 bits, floats and two channels become 16 bits and one", () => {
  const value = 0.5;
  const cases = [
    make({ bits: 8 }, 3, (view, i) => view.setUint8(i, 192)),
    make({ bits: 24 }, 3, (view, i) => view.setInt16(i * 3 + 1, 16_384, true)),
    make({ bits: 32 }, 3, (view, i) => view.setInt32(i * 4, value * 2 ** 31, true)),
    make({ kind: 3, bits: 32 }, 3, (view, i) => view.setFloat32(i * 4, value, true)),
    make({ channels: 2 }, 6, (view, i) => view.setInt16(i * 2, i % 2 === 0 ? 32_000 : 768, true)),
  ];
  for (const file of cases) {
    for (const piece of [1, 5, 100]) assert.deepEqual(read(file, piece).samples, [16_384, 16_384, 16_384]);
  }
});

Deno.test("what is no WAV is refused with what is wrong", () => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  assert.throws(() => read(bytes("hello world, this is no sound")), /RIFF/);
  assert.throws(() => read(bytes("RIFF....AVI LIST")), /"AVI "/);
  assert.throws(() => read(make({ kind: 85 }, 0, () => {})), /kind 85/);
  assert.throws(() => read(make({ rate: 0 }, 0, () => {})), /0 samples a second/);
  assert.throws(() => read(make({ channels: 0 }, 0, () => {})), /0 channels/);
});

Deno.test("a head without end is not gathered without end", () => {
  const reader = new WavReader();
  reader.push(new TextEncoder().encode("RIFF....WAVE"));
  assert.throws(() => {
    for (let i = 0; i < 100; i++) reader.push(new Uint8Array(65_536).fill(0x7f));
  }, WavError);
});

Deno.test("damaged files are read or refused, and nothing else is thrown", () => {
  const random = new Random(5);
  const file = toWav(samples, 16_000);
  for (let i = 0; i < 3_000; i++) {
    const bad = file.slice(0, random.whole(1, file.length));
    for (let k = 0; k < 4; k++) bad[random.whole(0, Math.min(60, bad.length - 1))] = random.whole(0, 255);
    try {
      read(bad, random.whole(1, 50));
    } catch (error) {
      assert.ok(error instanceof WavError, `${error}`);
    }
  }
});
