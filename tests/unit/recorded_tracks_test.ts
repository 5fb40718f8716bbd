import { strict as assert } from "node:assert";
import { Captions } from "../../src/core/recordings/captions.ts";
import { LiveRecording } from "../../src/core/recordings/live_recording.ts";
import { Timeline } from "../../src/core/recordings/timeline.ts";
import { type RecordedCue, toWebVtt } from "../../src/domain/rtc_recording.ts";
import { systemClock } from "../../src/kit/clock.ts";
import type { MediaPacket } from "../../src/ports/peers.ts";
import type { RecordedPiece, Recording } from "../../src/ports/recorder.ts";
import { hasProgram } from "../support/parts.ts";
import { makeVp8, toPackets } from "../support/vp8.ts";

const ignore = !hasProgram("ffmpeg");

/** A recording that notes what it is given. */
function world() {
  let now = 0;
  const pass = (ms: number) => void (now += ms);
  const pieces = new Map<string, RecordedPiece[]>();
  const cues: RecordedCue[] = [];
  const asked: string[] = [];
  let firsts = 0;
  const recording: Recording = {
    bytes: 0,
    dropped: 0,
    waiting: 0,
    write({ name }, piece) {
      const known = pieces.get(name);
      if (known) known.push(piece);
      else pieces.set(name, [piece]);
      return true;
    },
    cue: (cue) => void cues.push(cue),
    finish: () => Promise.reject(new Error("There is no file")),
  };
  const live = new LiveRecording({
    recording,
    clock: { ...systemClock, now: () => now },
    requestKeyframe: (mid) => asked.push(mid),
    onFirst: () => firsts++,
  });
  const timesOf = (name: string) => (pieces.get(name) ?? []).map(({ time_ms }) => Math.round(time_ms));
  const numbersOf = (name: string) => (pieces.get(name) ?? []).map(({ data }) => data[0]);
  return {
    pass,
    now: () => now,
    live,
    pieces,
    cues,
    asked,
    firsts: () => firsts,
    timesOf,
    numbersOf,
    end: () => live.finish().catch(() => {}),
  };
}

const sound = (n: number, timestamp = n * 960): MediaPacket => ({
  mid: "0",
  kind: "audio",
  payload: new Uint8Array([n]),
  sequence: (65_530 + n) & 0xffff,
  timestamp: (timestamp + 2 ** 32 - 4800) >>> 0,
  marker: false,
});

Deno.test("stamps go round, lateness on the way is no delay, and a jump is followed", () => {
  const line = new Timeline({ ticks: 48, jump_ms: 1000 });
  const at = (stamp: number, now: number) => {
    line.observe(stamp >>> 0, now);
    return Math.round(line.timeOf(stamp >>> 0));
  };
  const start = 2 ** 32 - 960;
  assert.equal(at(start, 500), 500);
  assert.equal(at(start + 960, 540), 520, "late");
  assert.equal(at(start + 1920, 540), 540);
  assert.equal(at(start + 960, 545), 520, "out of order");
  assert.equal(at(start + 2880, 560), 560);
  // The sender begins anew at any number, two seconds later.
  assert.equal(at(77, 2560), 2560);
  assert.equal(at(77 + 960, 2580), 2580);
});

Deno.test("a clock that goes wrong is followed within a tenth of a second", () => {
  const line = new Timeline({ ticks: 48, jump_ms: 1000 });
  let worst = 0;
  for (let n = 0; n < 50 * 3600; n++) {
    // 200 millionths slow, and up to 30 ms late.
    const now = n * 20 * 1.0002;
    const stamp = (n * 960) >>> 0;
    line.observe(stamp, now + (n * 7 % 30));
    worst = Math.max(worst, Math.abs(line.timeOf(stamp) - now));
  }
  assert.ok(worst < 100, `${worst}`);
});

Deno.test("sound comes in order, each packet once, at the time it was sent", async () => {
  const { pass, live, timesOf, numbersOf, firsts, end } = world();
  pass(1000);
  assert.equal(firsts(), 0);
  const order = [0, 1, 2, 4, 3, 3, 5, 9, 6, 8, 7, 2, 10];
  for (const [at, n] of order.entries()) {
    live.onPacket("in", sound(n));
    if (at >= n) pass(20);
  }
  await end();
  assert.deepEqual(numbersOf("caller"), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  const times = timesOf("caller");
  assert.deepEqual(times.slice(1).map((time, n) => time - times[n]!), Array(10).fill(20));
  assert.equal(times[0], 0, "what came before the first packet is no time of the recording");
  assert.equal(firsts(), 1);
});

Deno.test("a missing packet leaves a hole as long as it was, and holds up the rest for a moment only", async () => {
  const { pass, live, timesOf, end } = world();
  for (let n = 0; n < 40; n++) {
    if (n !== 5 && n !== 6) live.onPacket("in", sound(n));
    pass(20);
  }
  assert.ok(timesOf("caller").length > 30);
  await end();
  const times = timesOf("caller");
  assert.deepEqual([times.length, times[4], times[5]], [38, 80, 140]);
});

Deno.test("what goes out keeps its pauses, though its stamps have none", async () => {
  const { pass, live, timesOf } = world();
  for (let n = 0; n < 10; n++) {
    if (n === 5) pass(3000);
    live.onPacket("out", { kind: "audio", payload: new Uint8Array([n]), timestamp: n * 960, marker: false });
    pass(20);
  }
  assert.deepEqual(timesOf("agent"), [0, 20, 40, 60, 80, 3100, 3120, 3140, 3160, 3180]);
});

Deno.test("muted, on hold, cut off and back with a clock of its own: both sides stay side by side", async () => {
  const { pass, now, live, pieces, end } = world();
  /** What each side sends: it says at which second of ours it was sent. */
  const spoken = () => Uint8Array.of(now() / 60_000, now() / 1000 % 60);
  // The caller's clock is fast by 150 millionths, which is 90 ms in ten minutes.
  const caller = { sequence: 65_000, timestamp: 4_000_000_000 };
  let answered = 0;
  const during = (from: number, to: number) => now() >= from * 1000 && now() < to * 1000;
  for (; now() < 600_000; pass(20)) {
    if (during(200, 260)) continue;
    // Cut off, and back as another connection, whose numbers are near the old ones by accident.
    if (now() === 260_000) Object.assign(caller, { sequence: caller.sequence - 500, timestamp: 12_345 });
    caller.sequence = (caller.sequence + 1) & 0xffff;
    caller.timestamp = (caller.timestamp + Math.round(960 * 1.00015)) >>> 0;
    // Muted, a browser goes on with silence; with a saver it is silent. Its clock goes on.
    const silent = during(60, 90) || (during(300, 330) && now() % 400 !== 0);
    const packet = { ...caller, payload: spoken(), kind: "audio", marker: false } as const;
    if (!silent) live.onPacket("in", { ...packet, mid: "0" });
    // On hold the agent's stamps stand still.
    if (!during(120, 150)) live.onPacket("out", { ...packet, timestamp: 960 * answered++ });
  }
  await end();
  for (const name of ["caller", "agent"]) {
    const far = pieces.get(name)!.map(({ data, time_ms }) => time_ms - (data[0]! * 60_000 + data[1]! * 1000));
    // A piece says the second in which it was sent.
    assert.ok(
      Math.min(...far) > -100 && Math.max(...far) < 1100,
      `${name}: ${Math.min(...far)} to ${Math.max(...far)}`,
    );
    assert.ok(far.length > 20_000, `${name}: ${far.length}`);
  }
});

Deno.test({
  name: "pictures come whole, and whole ones are asked for: at first, after a loss, and each ten seconds",
  ignore,
  async fn() {
    const { pass, live, pieces, asked, timesOf } = world();
    const frames = await makeVp8(2);
    live.nameTracks({ "1": "screen" });
    const give = async (packets: MediaPacket[][]) => {
      for (const group of packets) {
        for (const packet of group) live.onPacket("in", packet);
        pass(40);
      }
    };
    const one = toPackets(frames.slice(0, 25));
    await give(one.slice(3));
    assert.deepEqual(asked, ["1"]);
    assert.deepEqual(timesOf("screen"), []);
    const two = toPackets(frames.slice(0, 25), { sequence: 2000, timestamp: 25 * 3600 });
    await give(two);
    assert.equal(timesOf("screen").length, 25);
    assert.deepEqual(pieces.get("screen")![0]!.size, { width: 320, height: 240 });
    assert.equal(asked.length, 1);
    // A still picture: no key frame comes by itself.
    const still = Array.from({ length: 300 }, () => frames[3]!);
    await give(toPackets(still, { sequence: 2000 + two.flat().length, timestamp: 50 * 3600 }));
    assert.equal(timesOf("screen").length, 325);
    assert.ok(asked.length >= 3 && asked.length <= 4, `${asked.length}`);
  },
});

Deno.test("two microphones are two tracks; more tracks than a call has are left out", () => {
  const { live, pieces } = world();
  live.onPacket("in", { ...sound(1), mid: "a" });
  live.onPacket("in", { ...sound(1), mid: "b" });
  for (let n = 0; n < 100; n++) live.onPacket("in", { ...sound(1), mid: `other ${n}` });
  assert.deepEqual([...pieces.keys()].slice(0, 2), ["caller", "caller b"]);
  assert.equal(pieces.size, 32);
});

Deno.test("in a room each speaker has tracks of their own, and nobody fills the recording", () => {
  const { live, pieces } = world();
  for (const from of ["Ana", "Ben"]) live.onPacket("in", { ...sound(1), mid: "a" }, from);
  live.onPacket("out", sound(1), "Nova");
  // Somebody who is called as the agent of a call would be.
  live.onPacket("in", { ...sound(1), mid: "a" }, "agent");
  assert.deepEqual([...pieces.keys()], ["Ana", "Ben", "Nova", "agent a"]);
  for (let n = 0; n < 100; n++) live.onPacket("in", { ...sound(1), mid: `other ${n}` }, "Ana");
  live.onPacket("in", { ...sound(1), mid: "a" }, "Cleo");
  assert.deepEqual([pieces.size, pieces.has("Cleo")], [36, true]);
});

Deno.test("what was said stands where it was said, and makes WebVTT", () => {
  const cues: RecordedCue[] = [];
  const captions = new Captions((cue) => cues.push(cue));
  captions.take({ type: "speech.started", data: { turn_id: "t1", at_ms: 0 } }, 1000);
  captions.take({ type: "speech.stopped", data: { turn_id: "t1", at_ms: 0 } }, 2500);
  captions.take({ type: "transcript.partial", data: { turn_id: "t1", text: "What", language: null } }, 2600);
  captions.take(
    { type: "transcript.final", data: { turn_id: "t1", text: "What is <it>?\n\nNow", language: null } },
    3000,
  );
  captions.take({ type: "agent.speaking", data: { turn_id: "t1", run_id: null, text: "It is", aloud: true } }, 4000);
  captions.take({ type: "agent.speaking", data: { turn_id: "t1", run_id: null, text: "a --> b.", aloud: true } }, 5000);
  captions.take({ type: "agent.interrupted", data: { turn_id: "t1", run_id: null, heard: "It is" } }, 5400);
  captions.take({ type: "transcript.final", data: { turn_id: "t2", text: "typed", language: null } }, 3_661_001);
  captions.end(6000);
  assert.equal(
    toWebVtt(cues),
    [
      "WEBVTT",
      "",
      "00:00:01.000 --> 00:00:02.500",
      "<v caller>What is &lt;it&gt;? Now",
      "",
      "00:00:04.000 --> 00:00:05.000",
      "<v agent>It is",
      "",
      "00:00:05.000 --> 00:00:05.400",
      "<v agent>a --&gt; b.",
      "",
      "01:01:01.001 --> 01:01:02.251",
      "<v caller>typed",
      "",
    ].join("\n"),
  );
});
