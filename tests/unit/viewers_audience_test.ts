/**
 * What viewers of a call, and of a room, are shown: whose sound, whose picture.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { CallTaps, type TappedCall } from "../../src/core/calls/call_tap.ts";
import { Audience } from "../../src/core/viewers/audience.ts";
import type { NewRtcEvent } from "../../src/domain/rtc_event.ts";
import type { OutgoingPacket, Peer } from "../../src/ports/peers.ts";
import { MovingClock, settlePromises } from "../support/moving_clock.ts";

/** A call, or a room, and a viewer with so many sections, who notes the last byte of what each is sent. */
function watch({ sounds = 1, pictures = 1, room = true } = {}) {
  const clock = new MovingClock({ settle: settlePromises });
  const taps = new CallTaps();
  const asked: string[] = [];
  const call: TappedCall = {
    id: "room_1",
    room_id: room ? "room_1" : null,
    owner: { tenant_id: "t", key_id: "k", user_id: null },
    requestKeyframe: (mid, from) => void asked.push(`${from} ${mid}`),
    announce: () => {},
    tap: (tap) => taps.add(tap),
  };
  const seen: Record<string, string[]> = {};
  const numbers: Record<string, number[]> = {};
  const send = ({ mid = "", payload, sequence = -1 }: OutgoingPacket) => {
    (seen[mid] ??= []).push(String.fromCharCode(payload.at(-1)!));
    (numbers[mid] ??= []).push(sequence);
  };
  const outlets = [
    ...Array.from({ length: sounds }, (_, n) => ({ mid: `a${n}`, kind: "audio" as const })),
    ...Array.from({ length: pictures }, (_, n) => ({ mid: `v${n}`, kind: "video" as const })),
  ];
  const peer = { outlets, sendAudio: send, sendVideo: send } as unknown as Peer;
  const audience = new Audience({ clock, call, onEnd: () => {} });
  const shown = audience.show(peer);
  const counts = new Map<string, number>();
  const packet = (kind: "audio" | "video", mid: string, payload: Uint8Array) => {
    const key = `${mid} ${payload.at(-1)}`;
    const sequence = counts.get(key) ?? payload.at(-1)! * 100;
    counts.set(key, sequence + 1);
    return { mid, kind, payload, sequence, timestamp: sequence * 960, marker: false };
  };
  const by = (name: string): [] | [from: string] => room ? [name] : [];
  return {
    clock,
    asked,
    taps,
    shown,
    /** What a section was sent since it was looked last. */
    of: (mid: string) => seen[mid]?.splice(0).join("") ?? "",
    numbers,
    event: (event: NewRtcEvent) => taps.event(event),
    /** The room says who speaks, and who is heard. */
    turn: (from?: string) => {
      taps.event({ type: "room.speaker", data: { member_id: from ?? null } }, from);
      taps.turn(from === "N" || from === "M" ? "out" : "in", from);
    },
    says: (name: string, { mid = "0" } = {}) => taps.packet("in", packet("audio", mid, bytes(name)), ...by(name)),
    shows: (name: string, { from = name, mid = "1", key = true } = {}) =>
      taps.packet("in", packet("video", mid, bytes(name, key)), from),
    agentSays: (name: string) => {
      const timestamp = Math.round(clock.now() * 48) >>> 0;
      const said = { kind: "audio", payload: bytes(name), timestamp, marker: false } as const;
      taps.packet("out", said, ...by(name));
    },
  };
}

/** Of sound, or of a picture, whose last byte says whose it is. */
function bytes(name: string, key?: boolean): Uint8Array {
  const own = name.charCodeAt(0);
  return new Uint8Array(key === undefined ? [1, own] : [0x10, key ? 0 : 1, 7, own]);
}

Deno.test("of one section of sound it is whoever the room says, and the last person while nobody speaks", () => {
  const { says, agentSays, turn, of, numbers, taps } = watch();
  const all = () => {
    for (const name of ["A", "B"]) says(name);
    agentSays("N");
    return of("a0");
  };
  assert.equal(all(), "A");
  turn("B");
  assert.equal(all(), "B");
  turn("N");
  assert.equal(all(), "N");
  turn(undefined);
  assert.equal(all(), "B");
  turn("A");
  assert.equal(all(), "A");
  taps.turn("in", "B");
  assert.equal(all(), "B", "whoever it may count as the speaker");
  assert.deepEqual(numbers.a0, [0, 1, 2, 3, 4, 5]);
});

Deno.test("of two sections of sound the first has people, the second agents", () => {
  const { says, agentSays, turn, of } = watch({ sounds: 2 });
  for (const who of ["A", "N", "B", undefined, "M"]) {
    turn(who);
    for (const name of ["A", "B"]) says(name);
    for (const name of ["N", "M"]) agentSays(name);
  }
  assert.deepEqual([of("a0"), of("a1")], ["AABBB", "NNNM"]);
});

Deno.test("a screen goes before cameras, and of cameras it is that of who spoke last of those who have one", () => {
  const { shows, turn, of, asked, taps } = watch();
  const all = () => {
    for (const name of ["A", "B"]) shows(name);
    return of("v0");
  };
  assert.equal(all(), "A");
  turn("B");
  assert.equal(all(), "B");
  assert.ok(asked.includes("B 1"), "who is to be seen is asked for a whole picture");
  turn("C");
  assert.equal(all(), "B", "C has none");
  taps.name({ 0: "microphone", 1: "screen" }, "A");
  assert.equal(all(), "A");
  turn("B");
  assert.equal(all(), "A");
  taps.name({ 0: "microphone", 2: "camera" }, "A");
  assert.equal(all(), "B", "what isn't named any more is not to be seen");
});

Deno.test("of two sections of pictures the second has the screen", () => {
  const { shows, taps, of } = watch({ pictures: 2 });
  taps.name({ 1: "camera", 2: "screen" }, "A");
  shows("A");
  shows("S", { from: "A", mid: "2" });
  assert.deepEqual([of("v0"), of("v1")], ["A", "S"]);
});

Deno.test("a picture of another begins with a key frame", () => {
  const { shows, turn, of, asked } = watch();
  shows("A");
  shows("A", { key: false });
  turn("B");
  shows("B", { key: false });
  assert.equal(of("v0"), "AA");
  assert.deepEqual(asked.at(-1), "B 1");
  shows("B");
  assert.equal(of("v0"), "B");
});

Deno.test("who has left is neither heard nor seen, and another one is", () => {
  const { says, shows, turn, event, of } = watch();
  for (const name of ["A", "B"]) {
    says(name);
    shows(name);
  }
  turn("B");
  says("B");
  of("a0"), of("v0");
  event({ type: "room.left", data: { member_id: "member_b", name: "B" } });
  says("A");
  shows("A");
  assert.deepEqual([of("a0"), of("v0")], ["A", "A"]);
});

Deno.test("a picture of which nothing comes any more gives way, whoever sends then", async () => {
  const { clock, shows, taps, of } = watch();
  taps.name({ 1: "screen" }, "A");
  shows("A");
  shows("B");
  assert.equal(of("v0"), "A");
  await clock.pass(5000);
  shows("B");
  assert.equal(of("v0"), "B");
});

Deno.test("in a call the agent is heard while it speaks aloud, else the caller", () => {
  const { says, agentSays, event, of } = watch({ room: false });
  const speaking = (aloud: boolean) =>
    event({ type: "agent.speaking", data: { turn_id: "turn_1", run_id: "run_1", text: "Hello", aloud } });
  const all = () => {
    says("A");
    says("X", { mid: "7" });
    agentSays("N");
    return of("a0");
  };
  assert.equal(all(), "A", "only the microphone is heard");
  speaking(false);
  assert.equal(all(), "A");
  speaking(true);
  assert.equal(all(), "N");
  event({ type: "speech.started", data: { turn_id: "turn_2", at_ms: 0 } });
  assert.equal(all(), "A");
});

Deno.test("a viewer that is gone is sent nothing", () => {
  const { says, of, shown } = watch();
  says("A");
  shown[Symbol.dispose]();
  says("A");
  assert.equal(of("a0"), "A");
});
