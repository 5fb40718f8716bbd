import { strict as assert } from "node:assert";
import { join } from "node:path";
import { LiveRecording } from "../../src/core/recordings/live_recording.ts";
import { systemClock } from "../../src/kit/clock.ts";
import type { RawRecording, Recorder, Recording } from "../../src/ports/recorder.ts";
import { findBrowser } from "../support/browser.ts";
import { heldMemory } from "../support/memory.ts";
import { hasProgram } from "../support/parts.ts";
import { openPlayer } from "../support/player.ts";
import { probe } from "../support/probe.ts";
import { pickSeed, Random } from "../support/random.ts";
import {
  AGENT,
  begin,
  CALLER,
  CAMERA,
  collect,
  openRecorder,
  startRecording,
  tone,
  writeAudio,
  writeVideo,
} from "../support/recorded.ts";
import { decodable, ffmpeg, makeVp8, RoughWay, toPackets } from "../support/vp8.ts";

const ignore = !hasProgram("ffmpeg") || !hasProgram("ffprobe");
const [low, high, frames] = ignore ? [[], [], []] : await Promise.all([tone(500, 440), tone(500, 1320), makeVp8(4)]);

/** What ffprobe knows of a file, and where it is. */
async function inspect(bytes: Uint8Array, dir: string) {
  const path = join(dir, "file.webm");
  await Deno.writeFile(path, bytes);
  return { path, ...await probe(path) };
}

/** How loud a track is in each tenth of a second. */
async function loudness(path: string, track: number): Promise<number[]> {
  const bytes = await ffmpeg(["-i", path, "-map", `0:a:${track}`, "-ac", "1", "-ar", "8000", "-f", "s16le", "-"]);
  const samples = new Int16Array(bytes.slice().buffer);
  return Array.from({ length: Math.floor(samples.length / 800) }, (_, n) => {
    const some = samples.subarray(n * 800, (n + 1) * 800);
    return Math.sqrt(some.reduce((sum, one) => sum + one * one, 0) / 800);
  });
}

function story(name: string, fn: (world: { dir: string; recorder: Recorder }) => Promise<void>): void {
  Deno.test({
    name,
    ignore,
    async fn() {
      const dir = await Deno.makeTempDir({ prefix: "muxi-recorder-" });
      try {
        await fn({ dir, recorder: openRecorder(dir) });
      } finally {
        await Deno.remove(dir, { recursive: true });
      }
    },
  });
}

/** Both sides and a camera, 4 seconds. */
function writeCall(recording: Recording): void {
  writeAudio(recording, low.slice(0, 200), { track: CALLER });
  writeAudio(recording, high.slice(0, 200), { track: AGENT });
  writeVideo(recording, frames, 0);
}

story("a recording is a WebM file of tracks side by side, with its duration", async ({ dir, recorder }) => {
  const recording = await begin(recorder, "rec_1");
  writeCall(recording);
  recording.cue({ speaker: "caller", text: "Hello", start_ms: 500, end_ms: 900 });
  const raw = await recording.finish();
  assert.deepEqual(raw.tracks, [CALLER, AGENT, CAMERA]);
  assert.deepEqual(raw.cues, [{ speaker: "caller", text: "Hello", start_ms: 500, end_ms: 900 }]);
  assert.equal(raw.duration_ms, 4000);
  const bytes = await collect(raw);
  const { duration, streams } = await inspect(bytes, dir);
  assert.ok(Math.abs(duration - 4) < 0.05, `${duration}`);
  assert.deepEqual(streams, [
    { codec: "opus", title: "caller", packets: 200, width: undefined },
    { codec: "opus", title: "agent", packets: 200, width: undefined },
    { codec: "vp8", title: "camera", packets: 100, width: 320 },
  ]);
  assert.deepEqual(await collect(raw), bytes, "it can be asked for again");
  await raw.discard();
  assert.deepEqual(await Array.fromAsync(recorder.list()), []);
});

for (const sealed of [false, true]) {
  story(
    `a process killed while it records${sealed ? " encrypted" : ""} leaves a whole recording`,
    async ({ dir, recorder }) => {
      const child = startRecording({ dir, id: "rec_dead", sealed });
      await child.recorded(12_000);
      await child.kill();
      const path = join(dir, "rec_dead.rec");
      const written = await Deno.readFile(path);
      assert.deepEqual(await Array.fromAsync(recorder.list()), ["rec_dead"]);
      const whole = await recorder.recover("rec_dead");
      assert.ok(whole!.duration_ms > 9000, `${whole!.duration_ms}`);
      assert.ok(whole!.cues.length >= 4);
      const { duration, streams } = await inspect(await collect(whole!), dir);
      assert.ok(Math.abs(duration - whole!.duration_ms / 1000) < 0.1);
      assert.deepEqual(streams.map(({ codec }) => codec), ["opus", "opus", "vp8"]);
      // At whichever byte it died.
      for (const cut of [1, 7, 200, 5000, 40_000]) {
        await Deno.writeFile(path, written.subarray(0, written.length - cut));
        const torn = (await recorder.recover("rec_dead"))!;
        assert.ok(torn.duration_ms > 8000 - cut / 10, `${torn.duration_ms} without ${cut} bytes`);
        if (cut > 1000) await inspect(await collect(torn), dir);
      }
      for (const left of [0, 3, 8, 20, 60, 100, 150, 190]) {
        await Deno.writeFile(path, written.subarray(0, left));
        assert.equal((await recorder.recover("rec_dead"))?.tracks.length ?? 0, 0);
      }
      assert.equal(await recorder.recover("rec_other"), undefined);
    },
  );
}

story("an encrypted recording can't be read where it grows, nor where it is altered", async ({ dir, recorder }) => {
  const secret = "The word is strawberry";
  const holds = async (id: string, needle: Uint8Array) => {
    const text = new TextDecoder("latin1");
    return text.decode(await Deno.readFile(join(dir, `${id}.rec`))).includes(text.decode(needle));
  };
  const raws: RawRecording[] = [];
  for (const sealed of [false, true]) {
    const recording = await begin(recorder, `rec_${sealed}`, { sealed });
    writeCall(recording);
    recording.cue({ speaker: "caller", text: secret, start_ms: 0, end_ms: 900 });
    raws.push(await recording.finish());
    for (const needle of [new TextEncoder().encode(secret), frames[10]!, low[50]!]) {
      assert.equal(await holds(`rec_${sealed}`, needle), !sealed);
    }
  }
  const [plain, whole] = [await collect(raws[0]!), await collect(raws[1]!)];
  assert.deepEqual(whole, plain);
  assert.equal(raws[1]!.cues[0]!.text, secret);
  const path = join(dir, "rec_true.rec");
  const bytes = await Deno.readFile(path);
  bytes[bytes.length >> 1]! ^= 1;
  await Deno.writeFile(path, bytes);
  await assert.rejects(async () => await collect((await recorder.recover("rec_true"))!));
  await Deno.remove(join(dir, "key"));
  await assert.rejects(openRecorder(dir).recover("rec_true"), {
    name: "ConfigurationError",
    message: 'Cannot read recording "rec_true": it was sealed with another key',
  });
});

story(
  "a track that starts late, one that falls silent, and one that saves keep their places",
  async ({ dir, recorder }) => {
    const recording = await begin(recorder, "rec_1");
    // One speaks from 0 to 2 and from 6 to 8 seconds, the other from 4 to 5, and sends almost nothing else.
    writeAudio(recording, low.slice(0, 100), { track: CALLER });
    writeAudio(recording, high.slice(0, 50), { track: AGENT, start_ms: 4000 });
    writeAudio(recording, Array(25).fill(new Uint8Array([0xf8])), { track: AGENT, start_ms: 5000 });
    writeVideo(recording, frames.slice(0, 50), 3000);
    writeAudio(recording, low.slice(0, 100), { track: CALLER, start_ms: 6007 });
    const raw = await recording.finish();
    const { duration, path, streams } = await inspect(await collect(raw), dir);
    assert.ok(Math.abs(duration - 8.007) < 0.05, `${duration}`);
    assert.deepEqual(streams.map(({ title }) => title), ["caller", "agent", "camera"]);
    const loud = async (track: number) =>
      (await loudness(path, track)).map((level, n) => level > 1000 ? n : -1).filter((n) => n >= 0);
    const [caller, agent] = [await loud(0), await loud(1)];
    assert.ok(caller.every((n) => n <= 20 || (n >= 59 && n <= 80)), String(caller));
    assert.ok(caller.length >= 38 && caller.length <= 43, String(caller));
    assert.ok(agent.every((n) => n >= 39 && n <= 50), String(agent));
    assert.ok(agent.length >= 9, String(agent));
    // The camera's first picture stands at its time, too.
    const first = await ffmpeg(["-i", path, "-map", "0:v", "-f", "framecrc", "-"]);
    assert.match(new TextDecoder().decode(first), /^0, +3000|^0, +75,/m);
  },
);

story("packets that come late, twice, in another order or never leave a sound file", async ({ dir, recorder }) => {
  const seed = pickSeed();
  const random = new Random(seed);
  let now = 0;
  const asked: number[] = [];
  const live = new LiveRecording({
    recording: await begin(recorder, "rec_1"),
    clock: { ...systemClock, now: () => now },
    requestKeyframe: () => asked.push(now),
    onFirst: () => {},
  });
  const way = new RoughWay(random);
  low.forEach((payload, n) => {
    const packet = { kind: "audio", payload, timestamp: (2 ** 32 - 9600 + n * 960) >>> 0, marker: false } as const;
    way.send(n * 20, { ...packet, mid: "0", sequence: (65_400 + n) & 0xffff });
  });
  const pictures = [...frames, ...frames];
  const groups = toPackets(pictures, { sequence: 65_000, timestamp: 4_294_900_000 });
  groups.forEach((group, n) => group.forEach((packet) => way.send(n * 40, packet)));
  const coming = way.coming;
  for (const { at, packet } of coming) {
    now = at;
    live.onPacket("in", packet);
  }
  const raw = await live.finish();
  const { duration, path, streams } = await inspect(await collect(raw), dir);
  assert.ok(Math.abs(duration - 10) < 0.3, `${duration} seconds, seed ${seed}`);
  const [sound, picture] = ["caller", "camera"].map((name) => streams.find(({ title }) => title === name)!);
  assert.ok(sound!.packets >= 490 && sound!.packets <= 510, `${sound!.packets} packets, seed ${seed}`);
  const could = decodable(pictures, groups, new Set(coming.map(({ packet }) => packet)));
  const missing = could - picture!.packets;
  assert.ok(missing >= 0 && missing <= 2, `${picture!.packets} of ${could} pictures, seed ${seed}`);
  assert.ok(asked.length >= 1 && asked.length <= 11, `${asked} seed ${seed}`);
  const loud = (await loudness(path, 0)).filter((level) => level > 1000);
  assert.ok(loud.length >= 95, `${loud.length} tenths of a second have sound, seed ${seed}`);
});

story("a frame that was lost takes those with it that need it, and nothing else", async ({ dir, recorder }) => {
  const ended: string[] = [];
  const recording = await begin(recorder, "rec_1", { onEnd: (reason) => ended.push(reason) });
  // More at once than a disk takes.
  const frame = new Uint8Array(1024 * 1024);
  const key = { data: frame, key: true, size: { width: 640, height: 480 } };
  const taken = Array.from({ length: 12 }, (_, n) => recording.write(CAMERA, { ...key, key: n === 0, time_ms: n }));
  assert.deepEqual(taken, Array.from({ length: 12 }, (_, n) => n < 7));
  assert.equal(recording.dropped, 5);
  assert.ok(recording.waiting <= 8 * 1024 * 1024);
  while (recording.waiting > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(recording.write(CAMERA, { ...key, key: false, time_ms: 20 }), false);
  assert.equal(recording.write(CAMERA, { ...key, time_ms: 21 }), true);
  assert.equal(recording.write(CAMERA, { ...key, key: false, time_ms: 22 }), true);
  await (await recording.finish()).discard();
  assert.deepEqual(ended, []);
  assert.deepEqual([...Deno.readDirSync(dir)], []);
});

story("it ends by itself when it is too long or too large, whole", async ({ dir, recorder }) => {
  for (const [limit, reason] of [[{ max_seconds: 2 }, "too_long"], [{ max_bytes: 15_000 }, "too_large"]] as const) {
    const ended: string[] = [];
    const recording = await begin(recorder, "rec_1", { ...limit, onEnd: (why) => ended.push(why) });
    writeAudio(recording, low.slice(0, 300), { track: CALLER });
    assert.deepEqual(ended, [reason]);
    const raw = await recording.finish();
    assert.ok(raw.duration_ms >= 1900 && raw.duration_ms <= 4000, `${raw.duration_ms}`);
    await inspect(await collect(raw), dir);
    await raw.discard();
  }
});

story("a full disk ends it with a reason; what was written is whole", async ({ dir, recorder }) => {
  // A process whose files may be 400 KB large meets the same error as one whose disk is full.
  const child = startRecording({ dir, id: "rec_full", shell: "trap '' XFSZ; ulimit -f 800" });
  const said = await child.rest();
  const { reason, duration_ms } = JSON.parse(said.trimEnd().split("\n").at(-1)!);
  assert.equal(reason, "disk_full");
  assert.ok(duration_ms > 3000);
  const raw = await recorder.recover("rec_full");
  assert.equal(raw!.duration_ms, duration_ms);
  await inspect(await collect(raw!), dir);
});

story("half an hour takes no more memory than a minute", async ({ recorder }) => {
  const held: number[] = [];
  const recording = await begin(recorder, "rec_long");
  for (let n = 0; n < 30 * 60 * 50; n++) {
    recording.write(CALLER, { data: low[n % 500]!, key: true, time_ms: n * 20 });
    recording.write(AGENT, { data: high[n % 500]!, key: true, time_ms: n * 20 });
    if (n % 500 === 499) { while (recording.waiting > 500_000) await new Promise((resolve) => setTimeout(resolve, 0)); }
    if (n === 3000 || n === 29 * 3000) held.push(heldMemory());
  }
  assert.equal(recording.dropped, 0);
  assert.ok(held[1]! - held[0]! < 2e6, `${held}`);
  const raw = await recording.finish();
  assert.equal(raw.duration_ms, 30 * 60 * 1000);
  const before = heldMemory();
  let [most, size, pieces] = [0, 0, 0];
  for await (const bytes of raw.toWebm()) {
    size += bytes.length;
    if (pieces++ % 8 === 0) most = Math.max(most, heldMemory());
  }
  assert.ok(most - before < 20e6, `${most - before}`);
  assert.ok(size > 10e6);
});

Deno.test({
  name: "a browser plays it to its end, also what a dead process left, encrypted or not",
  ignore: ignore || findBrowser() === undefined,
  async fn() {
    const dir = await Deno.makeTempDir({ prefix: "muxi-recorder-" });
    const recorder = openRecorder(dir);
    const recording = await begin(recorder, "rec_whole");
    writeCall(recording);
    const whole = await recording.finish();
    for (const sealed of [false, true]) {
      const child = startRecording({ dir, id: `rec_${sealed}`, sealed });
      await child.recorded(4000);
      await child.kill();
    }
    const raws = [whole, (await recorder.recover("rec_false"))!, (await recorder.recover("rec_true"))!];
    const files = await Promise.all(raws.map(collect));
    await using stack = new AsyncDisposableStack();
    stack.defer(() => Deno.remove(dir, { recursive: true }));
    const player = stack.use(
      await openPlayer((name, headers) => {
        const file = files[Number(name)]!;
        const from = Number(/bytes=(\d+)-/.exec(headers.get("range") ?? "")?.[1] ?? 0);
        const range = `bytes ${from}-${file.length - 1}/${file.length}`;
        const told = { "content-type": "video/webm", "accept-ranges": "bytes", "content-range": range };
        return new Response(file.subarray(from), { status: 206, headers: told });
      }),
    );
    for (const [n, raw] of raws.entries()) {
      const seen = await player.play(String(n));
      assert.ok(Math.abs(seen.duration - raw.duration_ms / 1000) < 0.1, JSON.stringify(seen));
      assert.ok(seen.end > seen.duration - 0.1, JSON.stringify(seen));
      assert.equal(seen.width, 320);
      assert.ok(seen.sound > 1000, "the first track's sound was decoded");
    }
  },
});
