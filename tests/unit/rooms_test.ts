/**
 * Rooms: who is addressed, who speaks, and who gets which section.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { Addressing } from "../../src/core/rooms/addressing.ts";
import { namedIn } from "../../src/core/rooms/named.ts";
import { Relay } from "../../src/core/rooms/relay.ts";
import { SharedMedia } from "../../src/core/rooms/shared_media.ts";
import { assignSlots } from "../../src/core/rooms/slots.ts";
import { ActiveSpeaker } from "../../src/core/rooms/speaker.ts";
import { MovingClock, settlePromises } from "../support/moving_clock.ts";

const AGENTS = [
  { id: "nova", names: ["Nova", "assistant"] },
  { id: "max", names: ["Max", "Mister Schmidt"] },
  { id: "hana", names: ["花子"] },
];

for (
  const [text, meant] of [
    ["Nova, what is the time?", "nova"],
    ["what is the time nova", "nova"],
    ["I think that, NOVA, you know it", "nova"],
    ["nora what is the time", "nova"],
    ["no va what is the time", "nova"],
    ["nvoa what is the time", "nova"],
    ["my assistant knows it", "nova"],
    ["max please", "max"],
    ["mux please", undefined],
    ["mister schmitt please", "max"],
    ["Mister Miller please", undefined],
    ["Max, ask Nova", "max"],
    ["Nova and Max, what do you think?", "nova max"],
    ["what do you think max nova", "max nova"],
    ["I asked Nova yesterday. Max & Nova: what now?", "max nova"],
    ["Nova, Nova and Max!", "nova max"],
    ["Mister Schmidt und Nova bitte", "max nova"],
    ["nora and max please", "max"],
    ["Nova, what did Max say?", "nova"],
    ["花子さんと花子", "hana"],
    ["more nora than max", "max"],
    ["花子さん、今何時ですか", "hana"],
    ["Nóva?", "nova"],
    ["a novel idea", undefined],
    ["what is the time", undefined],
    ["", undefined],
  ] as const
) {
  Deno.test(`${meant ?? "nobody"} is meant by "${text}"`, () => {
    assert.deepEqual(namedIn(text, { agents: AGENTS, people: ["Ana"] }), meant?.split(" ") ?? []);
  });
}

Deno.test("a person whose name is like an agent's is not mistaken for it", () => {
  assert.deepEqual(namedIn("nora what do you think", { agents: AGENTS, people: ["Nora"] }), []);
});

function listen() {
  const clock = new MovingClock({ settle: settlePromises });
  const addressing = new Addressing({ clock, agents: AGENTS, follow_up_ms: 8000 });
  const people = new Map([["a", "Ana"], ["b", "Ben"]]);
  const say = (member_id: string, text: string, among: ReadonlyMap<string, string> = people) =>
    addressing.meant({ member_id, text, began: clock.now() }, among).join(" ") || undefined;
  return { clock, addressing, say };
}

Deno.test("whoever was answered may go on for some seconds without the name", async () => {
  const { clock, addressing, say } = listen();
  assert.equal(say("a", "hello"), undefined);
  assert.equal(say("a", "Max, hello"), "max");
  await clock.pass(20_000);
  addressing.answered("a");
  await clock.pass(7000);
  assert.equal(say("a", "and tomorrow?"), "max");
  addressing.answered("a");
  await clock.pass(9000);
  assert.equal(say("a", "and tomorrow?"), undefined);
});

Deno.test("whoever asked two goes on with the one that answered last", () => {
  const { addressing, say } = listen();
  assert.equal(say("a", "Nova and Max, hello"), "nova max");
  addressing.answering("a", "nova");
  addressing.answering("a", "max");
  addressing.answered("a");
  assert.equal(say("a", "go on"), "max");
});

Deno.test("somebody else doesn't go on in their place, and ends it by speaking", () => {
  const { addressing, say } = listen();
  say("a", "Nova, hello");
  addressing.answered("a");
  assert.equal(say("b", "did you hear that"), undefined);
  assert.equal(say("a", "I did"), undefined);
});

Deno.test("whoever is alone with agents speaks to them: to the one they spoke to last", () => {
  const { clock, addressing, say } = listen();
  const alone = new Map([["a", "Ana"]]);
  assert.equal(say("a", "hello", alone), "nova");
  assert.equal(say("a", "hello Max", alone), "max");
  addressing.answered("a");
  clock.pass(60_000);
  assert.equal(say("a", "hello", alone), "max");
});

/** Levels of members, 50 packets a second, looked at ten times a second. Returns who spoke, as it changed. */
function talk(...parts: { ms: number; loud: string }[]): (string | null)[] {
  const speaker = new ActiveSpeaker();
  const heard: (string | null)[] = [];
  let now = 1_000_000;
  for (const { ms, loud } of parts) {
    for (const end = now + ms; now < end; now += 20) {
      for (const id of ["a", "b", "c"]) speaker.hear(id, { level: loud.includes(id) ? 20 : 100, now });
      if (now % 100 !== 0) continue;
      const before = speaker.speaker;
      speaker.look(now);
      if (speaker.speaker !== before) heard.push(speaker.speaker);
    }
  }
  return heard;
}

Deno.test("who speaks is told, and that nobody does; a cough, a pause and a short word change nothing", () => {
  assert.deepEqual(talk({ ms: 1000, loud: "a" }, { ms: 3000, loud: "" }), ["a", null]);
  assert.deepEqual(talk({ ms: 100, loud: "a" }, { ms: 1000, loud: "" }), []);
  assert.deepEqual(talk({ ms: 1000, loud: "a" }, { ms: 700, loud: "" }, { ms: 1000, loud: "a" }), ["a"]);
  assert.deepEqual(talk({ ms: 1000, loud: "a" }, { ms: 300, loud: "ab" }, { ms: 1000, loud: "a" }), ["a"]);
  assert.deepEqual(talk({ ms: 1000, loud: "a" }, { ms: 1500, loud: "b" }), ["a", "b"]);
  assert.deepEqual(talk({ ms: 1000, loud: "a" }, { ms: 2000, loud: "ab" }, { ms: 1500, loud: "b" }), ["a", "b"]);
});

Deno.test("who sends nothing any more has stopped speaking, and who is gone doesn't speak", () => {
  const speaker = new ActiveSpeaker();
  let now = 0;
  const look = (ms: number) => {
    for (const end = now + ms; now < end; now += 100) speaker.look(now);
  };
  const speak = () => {
    for (const end = now + 1000; now < end; now += 20) speaker.hear("a", { level: 10, now });
    look(100);
    assert.equal(speaker.speaker, "a");
  };
  speak();
  look(3000);
  assert.equal(speaker.speaker, null);
  speak();
  speaker.forget("a");
  assert.equal(speaker.speaker, null);
});

Deno.test("where one alone can be heard it is the speaker, and at once whoever else is loud while they are silent", () => {
  const speaker = new ActiveSpeaker();
  let now = 0;
  const talk = (loud: string, ms: number) => {
    for (const end = now + ms; now < end; now += 20) {
      for (const id of ["a", "b"]) speaker.hear(id, { level: loud.includes(id) ? 20 : 100, now });
      if (now % 100 === 0) speaker.look(now);
    }
    return speaker.heard;
  };
  assert.equal(talk("", 500), null);
  assert.equal(talk("a", 100), "a");
  assert.equal(talk("a", 1000), "a");
  assert.equal(talk("ab", 1000), "a", "who is interrupted is heard on");
  assert.equal(talk("a", 1000), "a");
  assert.equal(talk("", 300), "a", "nobody else says anything");
  assert.equal(talk("b", 100), "b");
  assert.equal(speaker.speaker, "a", "who speaks is told later");
  assert.equal(talk("b", 1000), "b");
  speaker.forget("b");
  assert.equal(speaker.heard, null);
});

Deno.test("sections stay with whom they carry, and the first of those who are wanted get what is free", () => {
  const give = (wanted: string[], now: Record<string, string>) =>
    Object.fromEntries(assignSlots(["1", "2"], { wanted, now: new Map(Object.entries(now)) }));
  assert.deepEqual(give(["a"], {}), { 1: "a" });
  assert.deepEqual(give(["b", "a"], { 1: "a" }), { 1: "a", 2: "b" });
  assert.deepEqual(give(["c", "b", "a"], { 1: "a", 2: "b" }), { 1: "c", 2: "b" });
  assert.deepEqual(give(["b"], { 1: "a", 2: "b" }), { 2: "b" });
  assert.deepEqual(give([], { 1: "a", 2: "b" }), {});
});

Deno.test("a picture that stopped coming is over, and one that isn't named is for nobody", async () => {
  const clock = new MovingClock({ settle: settlePromises });
  const shared = new SharedMedia({ member_id: "a", clock, requestKeyframe() {} });
  const push = (mid: string, kind: "audio" | "video") =>
    shared.push({ mid, kind, payload: new Uint8Array(2), sequence: 0, timestamp: 0, marker: true });
  for (const mid of ["0", "1"]) push(mid, mid === "0" ? "audio" : "video");
  assert.deepEqual(shared.of("video").map(({ name }) => name), ["camera"]);
  shared.name({ 0: "microphone", 1: "screen" });
  assert.deepEqual(shared.of("video").map(({ name }) => name), ["screen"]);
  push("2", "video");
  assert.equal(shared.of("video").length, 1);
  shared.name({ 0: "microphone" });
  assert.equal(shared.of("video").length, 0);
  shared.name({});
  push("1", "video");
  await clock.pass(11_000);
  shared.sweep();
  assert.deepEqual([shared.of("audio").length, shared.of("video").length], [1, 0]);
  for (let mid = 0; mid < 10; mid++) push(String(mid), "video");
  assert.equal(shared.of("video").length + shared.of("audio").length, 4);
});

Deno.test("signals are bounded, and may be sent again later", async () => {
  const clock = new MovingClock({ settle: settlePromises });
  const relay = new Relay(clock);
  for (let n = 0; n < 120; n++) relay.take();
  assert.throws(() => relay.take(), { name: "TooManyRequestsError" });
  await clock.pass(10_000);
  relay.take();
});
