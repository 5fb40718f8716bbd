/**
 * A caller speaks while the agent does.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { openTalk, says, type Talk, type TalkOptions } from "../support/talk.ts";

const STORY = "Once upon a time there was a fox. It lived in a wood. The end.";

/** A talk in which the agent has begun to answer at length. */
async function storyTalk(options: TalkOptions = {}, ms = 1000): Promise<Talk> {
  const { speech = [], ...rest } = options;
  const talk = await openTalk({
    answers: [says(STORY), says("All right.")],
    ...rest,
    speech: [{ text: "tell me a story" }, ...speech],
  });
  await talk.speak(400);
  await talk.silence(540);
  await talk.silence(ms);
  assert.equal(talk.loop.state, "speaking");
  return talk;
}

const isSilent = ({ payload }: { payload: Uint8Array }) => payload.every((byte) => byte === 0);

Deno.test("the agent is silent two frames after speech was noticed, and history keeps the words that were heard", async () => {
  using talk = await storyTalk({ speech: [{ text: "no stop that" }] });
  await talk.speak(60);
  assert.equal(talk.loop.state, "ducked");
  const sent = talk.packets.length;
  await talk.speak(60);
  assert.ok(talk.packets.slice(sent).every(isSilent), "silence from the next frame on");
  assert.equal(talk.packets.length - sent, 3, "silence is sent, not left out");
  await talk.speak(600);
  assert.equal(talk.loop.state, "hearing");
  // 1,000 ms and what was played until speech was noticed are about 18 characters: "Once upon a time t".
  assert.deepEqual(talk.of("agent.interrupted").map(({ heard }) => heard), ["Once upon a time …"]);
  assert.deepEqual(talk.stored, ["Once upon a time …"]);
  await talk.silence(540);
  await talk.silence(1000);
  assert.deepEqual(talk.asked, ["tell me a story", "no stop that"]);
  assert.ok(talk.played(sent).endsWith("All right."));
  assert.equal(talk.loop.stats.interruptions, 1);
});

Deno.test("two words interrupt before 600 ms of speech do", async () => {
  using talk = await storyTalk({ speech: [{ text: "wait wait wait", word_ms: 100 }] });
  await talk.speak(260);
  assert.equal(talk.loop.state, "hearing");
  assert.equal(talk.of("agent.interrupted").length, 1);
});

Deno.test("one short word that means something interrupts when it is understood", async () => {
  using talk = await storyTalk({ speech: [{ text: "stop" }] });
  await talk.speak(240);
  assert.equal(talk.loop.state, "ducked");
  await talk.silence(260);
  assert.deepEqual(talk.asked, ["tell me a story", "stop"]);
  assert.equal(talk.of("agent.interrupted").length, 1);
});

Deno.test("a cough is no interruption: the agent goes on at the same word, and all of it is stored", async () => {
  using talk = await storyTalk({ speech: [{ text: "" }] });
  const before = talk.played();
  assert.equal(before.at(-1), "t");
  await talk.speak(120);
  const quiet = talk.packets.length;
  await talk.silence(640);
  assert.equal(talk.loop.state, "ducked");
  await talk.silence(100);
  assert.equal(talk.loop.state, "speaking");
  assert.equal(talk.of("agent.resumed").length, 1);
  await talk.silence(4000);
  assert.equal(talk.played(quiet), "there was a fox.It lived in a wood.The end.");
  assert.deepEqual(talk.stored, [STORY]);
  assert.deepEqual(talk.of("agent.interrupted"), []);
});

Deno.test("somebody who only listens does not interrupt", async () => {
  using talk = await storyTalk({ speech: [{ text: "uh-huh" }] });
  await talk.speak(300);
  await talk.silence(5000);
  assert.deepEqual(talk.stored, [STORY]);
  assert.deepEqual(talk.asked, ["tell me a story"]);
});

for (const [when, final_ms] of [["before", 100], ["after", 1500]] as const) {
  Deno.test(`what asks for nothing, understood ${when} the agent goes on, is told and is no part of what comes next`, async () => {
    using talk = await storyTalk({ speech: [{ text: "okay", final_ms }, { text: "and then" }] });
    await talk.speak(200);
    await talk.silence(5000);
    assert.equal(talk.of("agent.resumed").length, 1);
    const [, { turn_id } = assert.fail()] = talk.of("speech.started");
    assert.deepEqual(talk.of("transcript.final").slice(1), [{ turn_id, text: "okay", language: null }]);
    assert.deepEqual(talk.stored, [STORY]);
    await talk.speak(400);
    await talk.silence(1000);
    assert.deepEqual(talk.asked, ["tell me a story", "and then"]);
  });
}

Deno.test("words that are understood after the agent went on still interrupt it", async () => {
  using talk = await storyTalk({ speech: [{ text: "please stop", final_ms: 1500, word_ms: 1000 }] });
  await talk.speak(300);
  await talk.silence(900);
  assert.equal(talk.loop.state, "speaking");
  await talk.silence(900);
  assert.deepEqual(talk.asked, ["tell me a story", "please stop"]);
  assert.equal(talk.of("agent.interrupted").length, 1);
});

Deno.test("an engine that fails over a short sound lets the agent go on", async () => {
  using talk = await storyTalk({ speech: [{ text: "x", fail: new Error("It broke") }] });
  await talk.speak(200);
  await talk.silence(5000);
  assert.deepEqual(talk.stored, [STORY]);
  assert.equal(talk.of("error").length, 1);
});

Deno.test("an engine that fails in pauses over the agent's voice is told of once, when the turn is over", async () => {
  const fail = new Error("It broke");
  using talk = await storyTalk({ speech: [{ text: "x", fail }, { text: "y", fail }, { text: "z", fail }] });
  const before = talk.events.length;
  await talk.speak(120);
  await talk.silence(300);
  await talk.speak(120);
  await talk.silence(300);
  const types = () =>
    talk.events.slice(before).map(({ type }) => type).filter((type) => /^(speech|transcript|error)/.test(type));
  assert.deepEqual(types(), ["speech.started"]);
  await talk.silence(5000);
  assert.deepEqual(types(), ["speech.started", "speech.stopped", "error", "transcript.final"]);
  assert.deepEqual(talk.stored, [STORY]);
});

Deno.test("speech before the first sound holds the answer back, and a cough lets it come", async () => {
  using talk = await openTalk({
    speech: [{ text: "hello" }, { text: "" }],
    answers: [says("Good day.", { first_ms: 2000 })],
  });
  await talk.speak(400);
  await talk.silence(560);
  assert.equal(talk.loop.state, "thinking");
  await talk.speak(200);
  assert.equal(talk.loop.state, "ducked");
  await talk.silence(720);
  assert.equal(talk.loop.state, "thinking");
  await talk.silence(2000);
  assert.equal(talk.played(), "Good day.");
});

Deno.test("speech before the first sound replaces the answer when it has words", async () => {
  using talk = await openTalk({
    speech: [{ text: "book a table" }, { text: "for four people" }],
    answers: [says("For how many?", { first_ms: 2000 }), says("Done.")],
  });
  await talk.speak(900);
  await talk.silence(560);
  await talk.speak(900);
  assert.equal(talk.loop.state, "hearing");
  await talk.silence(1200);
  assert.deepEqual(talk.asked, ["book a table", "for four people"]);
  assert.deepEqual(talk.of("agent.interrupted").map(({ heard }) => heard), [""]);
  await talk.silence(2000);
  assert.equal(talk.played(), "Done.");
  assert.deepEqual(talk.stored, ["Done.", ""]);
});

Deno.test("typed text interrupts, unless the settings say otherwise", async () => {
  using talk = await storyTalk();
  talk.loop.type("Stop it");
  assert.deepEqual(talk.of("agent.interrupted").map(({ heard }) => heard), ["Once upon a time …"]);
  await talk.silence(1000);
  assert.deepEqual(talk.asked, ["tell me a story", "Stop it"]);
  using patient = await storyTalk({ limits: { typed_interrupts: false } });
  patient.loop.type("And then?");
  await patient.silence(5000);
  assert.deepEqual(patient.stored, [STORY, "All right."]);
  assert.ok(patient.played().endsWith("The end.|All right."));
});

Deno.test("a client may interrupt, and the agent listens again", async () => {
  using talk = await storyTalk();
  talk.loop.interrupt();
  assert.equal(talk.loop.state, "listening");
  const sent = talk.packets.length;
  await talk.silence(200);
  assert.ok(talk.packets.slice(sent).every(isSilent));
  assert.deepEqual(talk.stored, ["Once upon a time …"]);
});

for (
  const [what, act] of [
    ["a client that interrupts", (talk: Talk) => talk.loop.interrupt()],
    ["typed text that interrupts", (talk: Talk) => talk.loop.type("now")],
  ] as const
) {
  Deno.test(`${what} right after a short word makes that word a turn`, async () => {
    using talk = await storyTalk({ speech: [{ text: "mhm", final_ms: 300 }] });
    await talk.speak(200);
    await talk.silence(260);
    assert.equal(talk.loop.state, "ducked");
    act(talk);
    assert.equal(talk.loop.state, "hearing");
    await talk.silence(1000);
    assert.match(talk.asked.at(-1)!, /^mhm/);
    assert.equal(talk.asked.length, 2);
    assert.equal(talk.of("agent.interrupted").length, 1);
  });
}
