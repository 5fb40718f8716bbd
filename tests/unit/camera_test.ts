import { strict as assert } from "node:assert";
import { Camera } from "../../src/core/calls/camera.ts";
import { isKeyframe } from "../../src/core/calls/vp8.ts";
import type { MediaPacket } from "../../src/ports/peers.ts";
import { MovingClock } from "../support/moving_clock.ts";
import { hasProgram } from "../support/parts.ts";
import { makeVp8, toPackets } from "../support/vp8.ts";

const ignore = !hasProgram("ffmpeg");
const frames = ignore ? [] : await makeVp8(2);
const screen = ignore ? [] : await makeVp8(1, { size: "640x360" });
const signal = new AbortController().signal;

function world() {
  const clock = new MovingClock();
  const asked: string[] = [];
  const sent = new Set<string>();
  const camera = new Camera({
    clock,
    sending: () => [...sent],
    requestKeyframe: (mid) => asked.push(mid),
    timeout_ms: 3000,
    interval_ms: 500,
  });
  const take = (packets: readonly MediaPacket[]) => {
    for (const packet of packets) {
      sent.add(packet.mid);
      camera.take(packet);
    }
  };
  return { clock, asked, camera, take, sent };
}

Deno.test({
  name: "a look asks for a key frame and gives it as an image; looks at the same time share it",
  ignore,
  async fn() {
    const { clock, asked, camera, take } = world();
    const packets = toPackets(frames);
    const next = frames.findIndex((frame, n) => n > 0 && isKeyframe(frame));
    take(packets.slice(0, 3).flat());
    assert.deepEqual(asked, [], "nobody looks");
    const looks = [camera.look("camera", { signal }), camera.look("camera", { signal })];
    assert.deepEqual(asked, ["1"]);
    take(packets.slice(3, next + 1).flat());
    const [one, other] = await Promise.all(looks);
    assert.deepEqual([one!.width, one!.height], [320, 240]);
    assert.deepEqual(one!.image.subarray(20, 20 + frames[next]!.length), new Uint8Array(frames[next]!));
    assert.equal(one, other);
    assert.equal(clock.timers, 0);
  },
});

Deno.test({
  name: "requests for pictures are bounded, and repeated while none comes",
  ignore,
  async fn() {
    const { clock, asked, camera, take } = world();
    const [first] = toPackets(frames);
    take(first!);
    for (let n = 0; n < 20; n++) {
      const look = camera.look("camera", { signal });
      if (n > 0) await clock.pass(0);
      await clock.pass(100);
      take(toPackets([frames[0]!], { sequence: 1000 * (n + 1) }).flat());
      await look;
    }
    assert.ok(asked.length <= 5, `${asked.length} in two seconds`);
    const before = asked.length;
    const late = assert.rejects(camera.look("camera", { signal }), {
      name: "TimeoutError",
      message: "Cannot look at the camera: no picture came in 3000 ms",
    });
    await clock.pass(3000);
    await late;
    assert.ok(asked.length - before >= 5 && asked.length - before <= 7, `${asked.length - before} in three seconds`);
    assert.equal(clock.timers, 0);
  },
});

Deno.test({
  name: "camera and screen are told apart, as the client named them",
  ignore,
  async fn() {
    const { camera, take, sent } = world();
    const off = { name: "ConflictError", message: "Cannot look at the screen: it is off" };
    await assert.rejects(camera.look("screen", { signal }), off);
    take(toPackets(frames.slice(0, 1)).flat());
    take(toPackets(screen.slice(0, 1), { mid: "2" }).flat());
    assert.deepEqual([...camera.sources], ["camera"]);
    camera.name({ "0": "microphone", "1": "camera", "2": "screen" });
    assert.deepEqual([...camera.sources], ["camera", "screen"]);
    const looks = Promise.all([camera.look("camera", { signal }), camera.look("screen", { signal })]);
    take(toPackets(frames.slice(0, 1)).flat());
    take(toPackets(screen.slice(0, 1), { mid: "2" }).flat());
    assert.deepEqual((await looks).map(({ width }) => width), [320, 640]);
    camera.name({ "0": "microphone", "1": "camera" });
    await assert.rejects(camera.look("screen", { signal }), off, "what isn't named is off");
    camera.name({ "1": "camera", "2": "screen" });
    sent.delete("2");
    await assert.rejects(camera.look("screen", { signal }), off, "what isn't sent is off");
  },
});

Deno.test({
  name: "what was one thing and is another by now is not looked at",
  ignore,
  async fn() {
    const { clock, camera, take } = world();
    const changed = { name: "ConflictError", message: /what is shared has changed, look again/ };
    take(toPackets(frames.slice(0, 1)).flat());
    camera.name({ "1": "camera" });
    for (const change of [() => camera.name({ "1": "screen" }), () => camera.replace()]) {
      camera.name({ "1": "camera" });
      const look = assert.rejects(camera.look("camera", { signal }), changed);
      camera.name({ "1": "camera", "2": "screen" });
      change();
      take(toPackets(frames.slice(0, 1)).flat());
      await look;
    }
    await assert.rejects(camera.look("camera", { signal }), /it is off/, "another connection names its tracks anew");
    assert.equal(clock.timers, 0);
    const unnamed = world();
    unnamed.take(toPackets(frames.slice(0, 1)).flat());
    unnamed.camera.replace();
    const look = unnamed.camera.look("camera", { signal });
    unnamed.take(toPackets(frames.slice(0, 1)).flat());
    assert.equal((await look).width, 320);
  },
});

Deno.test({
  name: "a look ends with who looks, and with the call",
  ignore,
  async fn() {
    const { clock, camera, take } = world();
    take(toPackets(frames.slice(0, 1)).flat());
    const aborting = new AbortController();
    const given = assert.rejects(camera.look("camera", { signal: aborting.signal }), /enough/);
    const other = assert.rejects(camera.look("camera", { signal }), { name: "CancelledError" });
    aborting.abort(new Error("enough"));
    await given;
    assert.equal(clock.timers > 0, true, "the other still looks");
    camera[Symbol.dispose]();
    await other;
    assert.equal(clock.timers, 0);
    take(toPackets(frames.slice(0, 1)).flat());
    await assert.rejects(camera.look("camera", { signal }), { name: "CancelledError" });
    assert.equal(clock.timers, 0);
  },
});

Deno.test({
  name: "of a client that names nothing, what it shares besides its camera is not taken for the camera",
  ignore,
  async fn() {
    const { clock, asked, camera, take, sent } = world();
    take(toPackets(frames.slice(0, 1)).flat());
    take(toPackets(screen.slice(0, 1), { mid: "2" }).flat());
    const look = camera.look("camera", { signal });
    assert.deepEqual(asked, ["1"]);
    take(toPackets(screen.slice(0, 1), { mid: "2" }).flat());
    take(toPackets(frames.slice(0, 1)).flat());
    assert.equal((await look).width, 320);
    sent.delete("1");
    await assert.rejects(camera.look("camera", { signal }), /it is off/, "the other one is still no camera");
    assert.equal(clock.timers, 0);
  },
});
