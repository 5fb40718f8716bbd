/**
 * From the model's words to sound, when something is slow, fails or waits.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { AppError } from "../../src/domain/error.ts";
import { sleep } from "../../src/kit/clock.ts";
import { openTalk, says, type ScriptedAnswer, type Talk, type TalkOptions } from "../support/talk.ts";

async function asked(options: TalkOptions): Promise<Talk> {
  const talk = await openTalk(options);
  talk.loop.type("Go on");
  await talk.clock.pass(20);
  return talk;
}

Deno.test("sentences are said as the model writes them, and two are made ahead of the one that is heard", async () => {
  const text = "One is here. Two is here. Three is here. Four is here. Five is here.";
  using talk = await asked({ answers: [says(text)] });
  assert.deepEqual(talk.said.map(({ text }) => text), ["One is here.", "Two is here.", "Three is here."]);
  await talk.clock.pass(720);
  assert.deepEqual(talk.said.length, 4);
  await talk.clock.pass(4000);
  assert.equal(talk.played(), text.replaceAll(". ", "."));
  assert.deepEqual(talk.stored, [text]);
});

Deno.test("a model that is slow in the middle leaves silence, not an end", async () => {
  using talk = await asked({ answers: [says("Wait. Now go on.", { pieces: 2, every_ms: 3000 })] });
  await talk.clock.pass(2000);
  assert.equal(talk.loop.state, "speaking");
  assert.deepEqual(talk.stored, []);
  await talk.clock.pass(3000);
  assert.equal(talk.played(), "Wait.|Now go on.");
  assert.deepEqual(talk.stored, ["Wait. Now go on."]);
});

Deno.test("a model that fails is told of, what it had said stays, and the caller hears that something is wrong", async () => {
  const fails: ScriptedAnswer = async function* () {
    yield { type: "started", run_id: "run_1" };
    yield { type: "text", text: "Let me see. " };
    await Promise.resolve();
    throw new AppError("UpstreamError", "The provider is down");
  };
  using talk = await asked({ answers: [fails], deps: { phrases: { waiting: "", failed: "Sorry." } } });
  await talk.clock.pass(2000);
  assert.deepEqual(talk.of("error"), [{ error: "UpstreamError", message: "The provider is down" }]);
  assert.equal(talk.played(), "Let me see.Sorry.");
  assert.equal(talk.loop.state, "listening");
});

Deno.test("a run that waits for a person says so once, lets the caller speak, and goes on afterwards", async () => {
  const decided = Promise.withResolvers<void>();
  const waits: ScriptedAnswer = async function* ({ delivery, signal }) {
    yield { type: "text", text: "I can do that." };
    await delivery.heard("I can do that.", { signal });
    yield { type: "waiting" };
    await decided.promise;
    yield { type: "text", text: "It is done." };
    await delivery.heard("It is done.", { signal });
  };
  using talk = await asked({
    answers: [waits, says("Yes?")],
    deps: { phrases: { waiting: "May I?", failed: "" } },
  });
  await talk.clock.pass(3000);
  assert.equal(talk.loop.state, "listening");
  assert.equal(talk.played(), "I can do that.|May I?");
  await talk.speak(400);
  assert.equal(talk.loop.state, "hearing", "who speaks meanwhile interrupts nothing");
  await talk.silence(600);
  assert.equal(talk.asked.length, 2);
  await talk.silence(600);
  decided.resolve();
  await talk.clock.pass(2000);
  assert.deepEqual(talk.of("agent.interrupted"), []);
  assert.ok(talk.played().endsWith("It is done."));
});

Deno.test("a voice that is slow makes the answer late, not different", async () => {
  using talk = await asked({ answers: [says("One. Two.")], tts: { delay_ms: 800 } });
  await talk.clock.pass(700);
  assert.equal(talk.loop.state, "thinking");
  await talk.clock.pass(3000);
  assert.equal(talk.played(), "One.|Two.");
});

Deno.test("a voice that breaks in a sentence leaves its rest as text, and says the next one", async () => {
  using talk = await asked({
    answers: [says("First one. Broken one. Last one.")],
    tts: { fail: { in: "Broken", after: 3 } },
  });
  await talk.clock.pass(4000);
  assert.equal(talk.played(), "First one.BroLast one.");
  assert.equal(talk.of("error").length, 1);
  assert.deepEqual(talk.stored, ["First one. Broken one. Last one."]);
});

Deno.test("a voice that keeps failing leaves the answer as text", async () => {
  using talk = await asked({ answers: [says("A. B1. C1. D1.")], tts: { fail: { in: "1", after: 0 } } });
  await talk.clock.pass(3000);
  assert.equal(talk.of("error").length, 2);
  assert.deepEqual(talk.of("agent.speaking").map(({ text }) => text), ["A. B1.", "C1.", "D1."]);
  assert.deepEqual(talk.stored, ["A. B1. C1. D1."]);
});

Deno.test("a voice that hangs is given up", async () => {
  using talk = await asked({ answers: [says("Hang on. Here I am.")], tts: { hang: "Hang" } });
  await talk.clock.pass(12_000);
  assert.deepEqual(talk.of("error").map(({ error }) => error), ["TimeoutError"]);
  assert.equal(talk.played(), "Here I am.");
  assert.equal(talk.loop.state, "listening");
});

Deno.test("a muted agent answers in text, and speaks again when it is not", async () => {
  using talk = await asked({ answers: [says("This is long enough. To be muted."), says("Back.")] });
  await talk.clock.pass(300);
  talk.loop.mute("agent", true);
  await talk.clock.pass(100);
  assert.equal(talk.played(), "This i");
  assert.deepEqual(talk.stored, ["This is long enough. To be muted."]);
  assert.deepEqual(talk.of("agent.speaking").length, 2);
  talk.loop.mute("agent", false);
  talk.loop.type("And now?");
  await talk.clock.pass(500);
  assert.equal(talk.played(), "This i|Back.");
});

Deno.test("on hold both are silent, and the answer goes on at the same word", async () => {
  using talk = await asked({ answers: [says("Hold the line please.")] });
  await talk.clock.pass(480);
  talk.loop.hold(true);
  const sent = talk.packets.length;
  await talk.speak(2000);
  assert.equal(talk.packets.length - sent, 100, "silence is sent");
  assert.deepEqual(talk.of("speech.started"), []);
  talk.loop.hold(false);
  await talk.clock.pass(2000);
  assert.equal(talk.played(sent), "the line please.");
  assert.deepEqual(talk.stored, ["Hold the line please."]);
});

Deno.test("when the way is lost nothing is sent, and the place is kept", async () => {
  using talk = await asked({ answers: [says("Can you hear me now?")] });
  await talk.clock.pass(480);
  talk.loop.pause();
  const sent = talk.packets.length;
  await talk.clock.pass(30_000);
  assert.equal(talk.packets.length, sent);
  talk.loop.start();
  await talk.clock.pass(2000);
  assert.equal(talk.played(sent), "you hear me now?");
  const [before, after] = [talk.packets[sent - 1]!, talk.packets[sent]!];
  assert.equal(after.marker, true);
  assert.equal(after.timestamp - before.timestamp, (after.at - before.at) * 48, "time went on at the other end");
});

Deno.test("another voice holds from the next sentence on", async () => {
  using talk = await asked({ answers: [says("One. Two."), says("Three.")], deps: { voice: { voice: "ann" } } });
  talk.loop.setVoice({ language: "de", speed: 2 });
  await talk.clock.pass(1000);
  talk.loop.type("More");
  await talk.clock.pass(1000);
  assert.deepEqual(talk.said[0], { text: "One.", voice: "ann" });
  assert.deepEqual(talk.said.at(-1), { text: "Three.", voice: "ann", language: "de", speed: 2 });
});

Deno.test("a call that ends tells what was heard, leaves no timer, and does not stop the run", async () => {
  const aborted: boolean[] = [];
  const answer: ScriptedAnswer = async function* (options, clock) {
    yield* says("This is not heard to its end.")(options, clock);
    aborted.push(options.delivery.interrupted.aborted, options.signal.aborted);
    assert.equal(await options.delivery.heard("Nobody hears this.", options), "Nobody hears this.");
    aborted.push(true);
  };
  const talk = await asked({ answers: [answer] });
  await talk.clock.pass(600);
  talk.loop[Symbol.dispose]();
  await talk.clock.pass(0);
  assert.deepEqual(talk.stored, ["This is …"]);
  assert.deepEqual(aborted, [false, true, true]);
  assert.equal(talk.clock.timers, 0);
  talk.loop.type("Hello?");
  await talk.speak(500);
  assert.equal(talk.asked.length, 1);
});

Deno.test("a tool between two messages: each is stored when it was heard", async () => {
  const answer: ScriptedAnswer = async function* ({ delivery, signal }, clock) {
    yield { type: "started", run_id: "run_1" };
    yield { type: "text", text: "Let me look." };
    stored.push(await delivery.heard("Let me look.", { signal }));
    await sleep(clock, 1000);
    yield { type: "text", text: "There are " };
    // The log tells it later than the model has said it.
    const heard = delivery.heard("There are two of them.", { signal });
    yield { type: "text", text: "two of them." };
    stored.push(await heard);
  };
  const stored: string[] = [];
  using talk = await asked({ answers: [answer] });
  await talk.clock.pass(700);
  assert.deepEqual(stored, []);
  await talk.clock.pass(100);
  assert.deepEqual(stored, ["Let me look."]);
  await talk.clock.pass(3000);
  assert.deepEqual(stored, ["Let me look.", "There are two of them."]);
  assert.equal(talk.played(), "Let me look.|There are two of them.");
  assert.equal(talk.of("agent.done").length, 1);
});
