import { strict as assert } from "node:assert";
import { createCommandSpeaker } from "../../src/adapters/speech/command_speaker.ts";
import { createVoiceActivity } from "../../src/adapters/fvad/voice_activity.ts";
import { joinSamples, levelOf } from "../../src/kit/pcm.ts";
import { Resampler } from "../../src/kit/resampler.ts";
import { readCode, WRITTEN } from "../../tools/fvad.ts";
import { Random } from "../support/random.ts";
import { cutFrames, SENTENCES, speakerOptions } from "../support/speech.ts";

const RATE = 16_000;
const { signal } = new AbortController();

/** A sentence with half a second of silence on each side, as frames. */
async function spoken(): Promise<Int16Array[]> {
  const speaker = createCommandSpeaker(speakerOptions());
  const samples = joinSamples(await Array.fromAsync(speaker.speak(SENTENCES[0], { signal })));
  const resampler = new Resampler({ from: speaker.rate, to: RATE });
  const pause = new Int16Array(RATE / 2);
  return [...cutFrames(joinSamples([pause, resampler.push(samples), resampler.end(), pause]), RATE)];
}

/** The same with noise of `db` below a full scale. */
function withNoise(frames: readonly Int16Array[], db: number): Int16Array[] {
  const random = new Random(1);
  const loudest = 32_768 * 10 ** (db / 20) * Math.sqrt(3);
  return frames.map((frame) => frame.map((sample) => sample + Math.round((random.next() * 2 - 1) * loudest)));
}

Deno.test("speech is heard where it is, and not where it isn't, also in noise", async () => {
  const voices = createVoiceActivity();
  await voices.load();
  const frames = await spoken();
  for (const heard of [frames, withNoise(frames, -60), withNoise(frames, -50), withNoise(frames, -40)]) {
    using stream = voices.open();
    const found = heard.map((frame) => stream.isSpeech(frame));
    const loud = frames.map((frame) => levelOf(frame) > -35);
    const hits = loud.filter((is, i) => is && found[i]).length / loud.filter(Boolean).length;
    assert.ok(hits > 0.85, `${Math.round(hits * 100)} % of the speech was heard`);
    // The first half second, and the last without what hangs on after speech.
    const quiet = [...found.slice(0, 24), ...found.slice(-12)].filter(Boolean).length;
    assert.ok(quiet <= 1, `${quiet} frames of silence were heard`);
  }
});

Deno.test("streams don't disturb each other, and are gone when disposed", async () => {
  const voices = createVoiceActivity();
  await Promise.all([voices.load(), voices.load()]);
  const frames = await spoken();
  const alone = voices.open();
  const wanted = frames.map((frame) => alone.isSpeech(frame));
  alone[Symbol.dispose]();
  alone[Symbol.dispose]();
  assert.throws(() => alone.isSpeech(frames[0]!), /disposed/);
  using one = voices.open();
  using other = voices.open();
  const noise = withNoise(frames.map(({ length }) => new Int16Array(length)), -10);
  const found = frames.map((frame, i) => {
    other.isSpeech(noise[i]!);
    return one.isSpeech(frame);
  });
  assert.deepEqual(found, wanted);
});

Deno.test("a frame of another length is refused, and listening before loading too", async () => {
  const voices = createVoiceActivity();
  assert.throws(() => voices.open(), /load\(\) was not awaited/);
  await voices.load();
  using stream = voices.open();
  assert.throws(() => stream.isSpeech(new Int16Array(160)), /160 samples/);
});

Deno.test("streams leave no memory behind", async () => {
  const voices = createVoiceActivity();
  await voices.load();
  const frame = new Int16Array(RATE / 50);
  const before = Deno.memoryUsage().rss;
  for (let i = 0; i < 300_000; i++) {
    using stream = voices.open();
    stream.isSpeech(frame);
  }
  // Each has some 600 bytes, so that together these would be 180 MB.
  const grown = Deno.memoryUsage().rss - before;
  assert.ok(grown < 60_000_000, `${grown} bytes`);
});

Deno.test("the code that is embedded is the package's", async () => {
  assert.equal(await Deno.readTextFile(WRITTEN), await readCode(), "Run deno run -A tools/fvad.ts");
});

Deno.test("it works in a bundle that lies somewhere else", async () => {
  const folder = await Deno.makeTempDir({ prefix: "muxi-fvad-" });
  try {
    const root = new URL("../../", import.meta.url).pathname;
    const entry = new URL("../support/voice_activity_entry.ts", import.meta.url).pathname;
    const run = (cwd: string, ...args: string[]) =>
      new Deno.Command(Deno.execPath(), { args, cwd, env: { NO_COLOR: "1" } }).output();
    const made = await run(root, "bundle", "--quiet", "--minify", "--platform", "deno", "-o", `${folder}/a.js`, entry);
    assert.ok(made.success, new TextDecoder().decode(made.stderr));
    const { stdout, stderr } = await run(folder, "run", "--no-config", "--no-remote", "--cached-only", "-A", "a.js");
    assert.equal(new TextDecoder().decode(stdout), "Opus and voices: 20 ms\n", new TextDecoder().decode(stderr));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
