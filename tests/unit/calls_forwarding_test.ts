/**
 * Media passed on as it came: the numbers a receiver sees, key frames, and who is asked for them.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { Forwarding, KEYFRAME_MS, MediaSource } from "../../src/core/calls/forwarding.ts";
import { PictureNumbers } from "../../src/core/calls/picture_numbers.ts";
import type { OutgoingPacket } from "../../src/ports/peers.ts";
import { MovingClock, settlePromises } from "../support/moving_clock.ts";

/** A packet of a VP8 picture: its number in 15 bits, that of the base layer, and whether it stands for itself. */
function picture(number: number, { key = false, base = 0 } = {}): Uint8Array {
  return new Uint8Array([0x90, 0xe0, 0x80 | number >> 8, number & 0xff, base, 0, key ? 0 : 1, 7, 7]);
}

function setUp(kind: "audio" | "video") {
  const clock = new MovingClock({ settle: settlePromises });
  const sent: (OutgoingPacket & { sequence: number })[] = [];
  const asked: number[] = [];
  const forwarding = new Forwarding({ clock, send: (packet) => void sent.push(packet) });
  const source = (name: number) => new MediaSource({ kind, clock, requestKeyframe: () => void asked.push(name) });
  return { clock, sent, asked, forwarding, source };
}

const sound = (sequence: number, timestamp: number) => ({
  kind: "audio" as const,
  payload: new Uint8Array([sequence & 0xff]),
  sequence,
  timestamp,
  marker: false,
});

Deno.test("numbers go on where one source follows another, and time goes on as long as it took", async () => {
  const { clock, sent, forwarding, source } = setUp("audio");
  const [ana, ben] = [source(1), source(2)];
  forwarding.follow(ana);
  ana.push(sound(65_534, 1000));
  await clock.pass(20);
  ana.push(sound(65_535, 1960));
  await clock.pass(20);
  ana.push(sound(0, 2920));
  await clock.pass(100);
  forwarding.follow(ben);
  ben.push(sound(500, 77_777));
  const [first, , third, fourth] = sent.map(({ sequence }) => sequence);
  assert.deepEqual([third! - first!, fourth! - first!], [2, 3]);
  const times = sent.map(({ timestamp }) => timestamp - sent[0]!.timestamp);
  assert.deepEqual(times, [0, 960, 1920, 1920 + 4800]);
  assert.deepEqual(sent.map(({ marker }) => marker), [true, false, false, true]);
});

Deno.test("gaps stay gaps, and what comes late keeps its place, unless it is from before the source was followed", () => {
  const { sent, forwarding, source } = setUp("audio");
  const ana = source(1);
  forwarding.follow(ana);
  for (const sequence of [10, 13, 12, 9, 14]) ana.push(sound(sequence, sequence * 960));
  assert.deepEqual(sent.map(({ sequence }) => sequence), [0, 3, 2, 4]);
});

Deno.test("a source whose numbers jump begins anew", () => {
  const { sent, forwarding, source } = setUp("audio");
  const ana = source(1);
  forwarding.follow(ana);
  for (const sequence of [10, 11, 30_000, 30_001]) ana.push(sound(sequence, sequence * 960));
  assert.deepEqual(sent.map(({ sequence }) => sequence), [0, 1, 2, 3]);
});

Deno.test("another stream of a source goes on behind the one before it, wherever its numbers are", () => {
  const { sent, forwarding, source } = setUp("audio");
  const ana = source(1);
  forwarding.follow(ana);
  for (const sequence of [5000, 5001]) ana.push({ ...sound(sequence, sequence * 960), ssrc: 1 });
  for (const sequence of [1001, 1002]) ana.push({ ...sound(sequence, sequence * 960), ssrc: 2 });
  assert.deepEqual(sent.map(({ sequence }) => (sequence - sent[0]!.sequence) & 0xffff), [0, 1, 2, 3]);
});

Deno.test("packets without numbers of their own are passed on in their order", () => {
  const { sent, forwarding, source } = setUp("audio");
  const voice = source(1);
  forwarding.follow(voice);
  for (const timestamp of [0, 960]) voice.push({ kind: "audio", payload: new Uint8Array(1), timestamp, marker: false });
  assert.deepEqual(sent.map(({ sequence }) => sequence), [0, 1]);
});

Deno.test("packets without numbers whose time is another one are of another voice, and follow the time it took", async () => {
  const { clock, sent, forwarding, source } = setUp("audio");
  const voice = source(1);
  forwarding.follow(voice);
  for (const timestamp of [96_000, 96_960, 0, 960, 4_800_000]) {
    voice.push({ kind: "audio", payload: new Uint8Array(1), timestamp, marker: false });
    await clock.pass(20);
  }
  assert.deepEqual(sent.map(({ sequence }) => sequence), [0, 1, 2, 3, 4]);
  const times = sent.map(({ timestamp }) => timestamp - sent[0]!.timestamp);
  assert.deepEqual(times, [0, 960, 1920, 2880, 3840]);
});

Deno.test("who follows nothing is sent nothing", () => {
  const { sent, forwarding, source } = setUp("audio");
  const ana = source(1);
  forwarding.follow(ana);
  ana.push(sound(1, 0));
  forwarding.follow(undefined);
  ana.push(sound(2, 960));
  assert.equal(sent.length, 1);
  assert.equal(ana.followers.size, 0);
});

Deno.test("pictures begin with a key frame, which is asked for, and their numbers go on", () => {
  const { sent, asked, forwarding, source } = setUp("video");
  const [ana, ben] = [source(1), source(2)];
  const push = (to: MediaSource, sequence: number, payload: Uint8Array) =>
    to.push({ kind: "video", payload, timestamp: sequence * 3000, sequence, marker: true });
  forwarding.follow(ana);
  assert.deepEqual(asked, [1]);
  push(ana, 5, picture(900));
  assert.equal(sent.length, 0, "nothing before the key frame");
  push(ana, 6, picture(901, { key: true, base: 30 }));
  push(ana, 7, picture(902, { base: 31 }));
  forwarding.follow(ben);
  push(ana, 8, picture(903));
  push(ben, 60, picture(7));
  push(ben, 61, picture(8, { key: true, base: 200 }));
  assert.deepEqual(asked, [1, 2]);
  assert.deepEqual(sent.map(({ sequence }) => sequence), [0, 1, 2]);
  const numbers = sent.map(({ payload }) => [(payload[2]! & 0x7f) << 8 | payload[3]!, payload[4]]);
  assert.deepEqual(numbers, [[1, 1], [2, 2], [3, 3]]);
});

Deno.test("a source is asked for key frames at most so often, and what was asked in between is not forgotten", async () => {
  const { clock, asked, source } = setUp("video");
  const ana = source(1);
  for (let i = 0; i < 5; i++) ana.requestKeyframe();
  assert.equal(asked.length, 1);
  await clock.pass(KEYFRAME_MS);
  ana.push({ kind: "video", payload: picture(1), timestamp: 0, sequence: 1, marker: true });
  assert.equal(asked.length, 2);
  ana.push({ kind: "video", payload: picture(2), timestamp: 0, sequence: 2, marker: true });
  assert.equal(asked.length, 2);
});

Deno.test("pictures with small numbers, or none, are passed on, and the bytes that came stay as they are", () => {
  const numbers = new PictureNumbers();
  const small = new Uint8Array([0x90, 0x80, 0x7f, 0, 1, 2]);
  assert.equal(numbers.renumber(small, { first: true })[2], 1);
  assert.equal(small[2], 0x7f);
  const bare = new Uint8Array([0x10, 0, 1, 2, 3, 4]);
  assert.equal(numbers.renumber(bare, { first: false }), bare);
});
