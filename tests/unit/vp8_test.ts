import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import { isKeyframe, sizeOf, toPart, toWebp } from "../../src/core/calls/vp8.ts";
import { type Vp8Frame, Vp8Frames } from "../../src/core/calls/vp8_frames.ts";
import type { MediaPacket } from "../../src/ports/peers.ts";
import { hasProgram } from "../support/parts.ts";
import { pickSeed, Random } from "../support/random.ts";
import { decodable, ffmpeg, makeVp8, RoughWay, toPackets } from "../support/vp8.ts";

const ignore = !hasProgram("ffmpeg");
const frames = ignore ? [] : await makeVp8(3);
const all = (packets: readonly MediaPacket[], into = new Vp8Frames()) => packets.flatMap((one) => into.push(one));
/** Short words for frames: the difference of long ones takes all of a machine's memory to write down. */
const hashes = (some: readonly Uint8Array[]) => some.map((one) => createHash("sha1").update(one).digest("hex"));
const bytes = (found: readonly Vp8Frame[]) => hashes(found.map(({ data }) => data));
const shuffled = <T>(items: readonly T[], random: Random) =>
  items.map((item) => ({ item, at: random.next() })).sort((a, b) => a.at - b.at).map(({ item }) => item);

Deno.test("the descriptor is taken off in each of its lengths", () => {
  const rest = [7, 8];
  for (
    const [descriptor, first] of [
      [[0x10], true],
      [[0x00], false],
      [[0x11], false],
      [[0x30], true],
      [[0x90, 0x00], true],
      [[0x90, 0x80, 0x05], true],
      [[0x90, 0x80, 0x85, 0x01], true],
      [[0x90, 0x40, 0x01], true],
      [[0x90, 0x20, 0x01], true],
      [[0x90, 0xf0, 0x85, 0x01, 0x02, 0x03], true],
      [[0x90, 0xf0, 0x05, 0x02, 0x03], true],
    ] as const
  ) {
    const part = toPart(new Uint8Array([...descriptor, ...rest]));
    assert.deepEqual([part?.first, [...part?.data ?? []]], [first, rest], String(descriptor));
    assert.equal(toPart(new Uint8Array(descriptor)), undefined);
  }
  assert.equal(toPart(new Uint8Array()), undefined);
});

Deno.test({
  name: "frames come out as they went in, over the end of the numbers and of the time",
  ignore,
  fn() {
    const found = all(toPackets(frames, { sequence: 65_500, timestamp: 2 ** 32 - 7200 }).flat());
    assert.deepEqual(bytes(found), hashes(frames));
    assert.deepEqual(found.map(({ key }) => key), frames.map(isKeyframe));
    assert.ok(found.filter(({ key }) => key).length >= 3);
    assert.deepEqual(found.at(-1)!.size, { width: 320, height: 240 });
    assert.deepEqual([found[0]!.timestamp, found[2]!.timestamp], [2 ** 32 - 7200, 0]);
  },
});

Deno.test({
  name: "packets out of order, and twice, change nothing",
  ignore,
  fn() {
    const seed = pickSeed();
    const random = new Random(seed);
    // A key frame has more packets than are mixed at a time: one that is whole is gone on with, whatever is missing before.
    const packets = toPackets(frames, { size: 250 }).flat();
    const mixed: MediaPacket[] = [packets[0]!];
    for (let at = 1; at < packets.length; at += 8) {
      const some = packets.slice(at, at + 8);
      mixed.push(...shuffled([...some, random.pick(some)], random));
    }
    assert.deepEqual(bytes(all(mixed)), hashes(frames), `seed ${seed}`);
  },
});

Deno.test({
  name: "after a loss it goes on with the next key frame, and says so meanwhile",
  ignore,
  fn() {
    const groups = toPackets(frames);
    const key = frames.findIndex((frame, n) => n > 0 && isKeyframe(frame));
    const into = new Vp8Frames();
    const packets = groups.flatMap((group, n) => n === 5 ? group.slice(1) : group);
    const before = packets.filter(({ timestamp }) => timestamp < key * 3600);
    const found = all(before, into);
    assert.deepEqual(bytes(found), hashes(frames.slice(0, 5)));
    assert.equal(into.broken, true, "twenty frames are more than it waits for");
    assert.deepEqual(bytes(all(packets.slice(before.length), into)), hashes(frames.slice(key)));
    assert.equal(into.broken, false);
  },
});

Deno.test({
  name: "another stream begins anew, wherever its numbers are",
  ignore,
  fn() {
    const into = new Vp8Frames();
    const stream = (ssrc: number, sequence: number) =>
      toPackets(frames.slice(0, 5), { sequence, timestamp: 0 }).flat().map((packet) => ({ ...packet, ssrc }));
    assert.equal(all(stream(1, 5000), into).length, 5);
    assert.equal(all(stream(2, 2000), into).length, 5);
  },
});

Deno.test({
  name: "what comes again, or too late, in between changes nothing",
  ignore,
  fn() {
    const packets = toPackets([...frames, ...frames, ...frames]).flat();
    const again = packets.flatMap((packet, n) => n < 90 ? [packet] : [...packets.slice(n - 60, n), packet]);
    assert.deepEqual(bytes(all(again)), hashes([...frames, ...frames, ...frames]));
  },
});

Deno.test({
  name: "what is late by less than half a second is waited for",
  ignore,
  fn() {
    const groups = toPackets(frames);
    const [late, ...rest] = groups[5]!;
    assert.deepEqual(
      bytes(all([...groups.slice(0, 5).flat(), ...rest, ...groups.slice(6, 15).flat(), late!])),
      hashes(frames.slice(0, 15)),
    );
  },
});

Deno.test({
  name: "on a rough way no picture is lost but those that were, and those that need them",
  ignore,
  fn() {
    const sent = [...frames, ...frames, ...frames];
    const groups = toPackets(sent, { sequence: 65_000, timestamp: 2 ** 32 - 7200 });
    for (let seed = 1; seed <= 200; seed++) {
      const way = new RoughWay(new Random(seed));
      groups.forEach((group, n) => group.forEach((packet) => way.send(n * 40, packet)));
      const packets = way.coming.map(({ packet }) => packet);
      const could = decodable(sent, groups, new Set(packets));
      const found = all(packets).length;
      // A key frame that overtook those before it is gone on with.
      assert.ok(found <= could && found >= could - 2, `${found} of ${could}, seed ${seed}`);
    }
  },
});

Deno.test({
  name: "who comes in the middle begins with a key frame; packets without content are no loss",
  ignore,
  fn() {
    const key = frames.findIndex((frame, n) => n > 0 && isKeyframe(frame));
    const packets = toPackets(frames).flat().slice(2);
    const counted = packets.flatMap((packet): MediaPacket[] =>
      packet.marker ? [packet, { ...packet, marker: false, payload: new Uint8Array() }] : [packet]
    ).map((packet, n) => ({ ...packet, sequence: n }));
    assert.deepEqual(bytes(all(counted)), hashes(frames.slice(key)));
  },
});

Deno.test({
  name: "a key frame is a WebP image, which others can read",
  ignore,
  async fn() {
    for (const size of ["320x240", "321x243"]) {
      const [frame] = await makeVp8(1, { size });
      const [width, height] = size.split("x").map(Number);
      assert.deepEqual(sizeOf(frame!), { width, height });
      const image = toWebp(frame!);
      assert.equal(image.length % 2, 0);
      const pixels = await ffmpeg(["-f", "webp_pipe", "-i", "-", "-f", "rawvideo", "-pix_fmt", "gray", "-"], image);
      assert.equal(pixels.length, width! * height!);
      // The picture of the test is bars of many colours.
      assert.ok(new Set(pixels).size > 50);
    }
    assert.equal(sizeOf(frames[1]!), undefined);
    assert.equal(sizeOf(frames[0]!.subarray(0, 9)), undefined);
    const hidden = frames[0]!.slice();
    hidden[0]! &= ~0x10;
    assert.equal(sizeOf(hidden), undefined, "a key frame that isn't shown is no image");
    assert.equal(sizeOf(frames[0]!.subarray(0, 20)), undefined, "one whose first part is cut short is none either");
    const unknown = frames[0]!.slice();
    unknown[0]! |= 0x08;
    assert.equal(sizeOf(unknown), undefined, "nor is one of a version that nobody knows");
    const scaled = frames[0]!.slice();
    scaled[7]! |= 0xc0;
    assert.deepEqual(
      sizeOf(scaled),
      { width: 320, height: 240 },
      "how far it is to be stretched is no part of its size",
    );
  },
});

Deno.test({
  name: "garbage costs no more than it may, and what is sound afterwards comes through",
  ignore,
  fn() {
    const seed = pickSeed();
    const random = new Random(seed);
    const into = new Vp8Frames();
    const packets = toPackets(frames).flat();
    for (let n = 0; n < 30_000; n++) {
      const real = random.pick(packets);
      const payload = random.chance(0.3)
        ? real.payload.slice(0, random.whole(0, real.payload.length))
        : Uint8Array.from({ length: random.whole(0, 40) }, () => random.whole(0, 255));
      into.push({
        ...real,
        payload,
        sequence: random.chance(0.9) ? (n + random.whole(-50, 50)) & 0xffff : random.whole(0, 65_535),
        timestamp: random.chance(0.5) ? n * 300 >>> 0 : random.whole(0, 2 ** 32 - 1),
        marker: random.chance(0.3),
      });
      assert.ok(into.waiting <= 1025, `seed ${seed}`);
    }
    // Numbers a little before garbage's last would be late ones of the same stream, which has only itself to blame.
    const next = toPackets([...frames, ...frames], { sequence: 40_000 }).flat().map((one) => ({ ...one, ssrc: 2 }));
    const sound = bytes(all(next, into));
    assert.deepEqual(sound.slice(-frames.length), hashes(frames), `seed ${seed}`);
  },
});

Deno.test("a frame that never ends is given up", () => {
  const into = new Vp8Frames();
  const payload = new Uint8Array(8000).fill(1);
  payload[0] = 0x10;
  payload[1] = 0;
  for (let n = 0; n < 5000; n++) {
    into.push({
      mid: "1",
      kind: "video",
      payload: n === 0 ? payload : payload.with(0, 0),
      sequence: n,
      timestamp: 1,
      marker: false,
    });
    assert.ok(into.waiting <= 1025);
  }
});

Deno.test("packets that begin a thousand pictures cost little", () => {
  const into = new Vp8Frames();
  const payload = new Uint8Array([0x10, 0x10, 0, 0, 0x9d, 0x01, 0x2a, 1, 0, 1, 0, 0]);
  const packet = { mid: "1", kind: "video", payload, timestamp: 1, marker: false } as const;
  into.push({ ...packet, sequence: 0 });
  let looked = 0;
  const get = Map.prototype.get;
  Map.prototype.get = function (key) {
    looked++;
    return get.call(this, key);
  };
  try {
    for (let n = 2; n < 1000; n++) into.push({ ...packet, sequence: n });
    for (let n = 0; n < 100; n++) {
      into.push({ ...packet, payload: payload.with(0, 0), sequence: 1002 + n, marker: true });
    }
  } finally {
    Map.prototype.get = get;
  }
  assert.ok(looked < 1_000_000, `${looked} packets were looked at for eleven hundred`);
});
