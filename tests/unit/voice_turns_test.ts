/**
 * A caller speaks, the agent answers.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import type { SpeechToText } from "../../src/ports/speech_to_text.ts";
import { openTalk, says } from "../support/talk.ts";

/** Understands the same of everything, and writes down how loud each frame is that it gets. */
function listens(heard: number[]): SpeechToText {
  return {
    rate: 16_000,
    streaming: false,
    check: () => Promise.resolve({ ok: true, detail: "scripted" }),
    async *transcribe(audio) {
      for await (const frame of audio) heard.push(frame[0]!);
      yield { text: "hello there", final: true };
    },
  };
}

Deno.test("a caller who speaks and falls silent is answered, and the run ends when the answer was heard", async () => {
  using talk = await openTalk({ speech: [{ text: "what time is it" }], answers: [says("It is ten. Bye now.")] });
  await talk.silence(200);
  assert.equal(talk.loop.state, "listening");
  await talk.speak(1200);
  assert.equal(talk.loop.state, "hearing");
  await talk.silence(480);
  assert.equal(talk.loop.state, "hearing");
  await talk.silence(60);
  assert.equal(talk.loop.state, "speaking");
  assert.deepEqual(talk.asked, ["what time is it"]);
  assert.deepEqual(talk.stored, []);
  await talk.silence(2000);
  assert.equal(talk.loop.state, "listening");
  assert.deepEqual(talk.stored, ["It is ten. Bye now."]);
  assert.equal(talk.played(), "It is ten.Bye now.");
  assert.deepEqual(talk.events.map(({ type }) => type), [
    "speech.started",
    "transcript.partial",
    "transcript.partial",
    "transcript.partial",
    "speech.stopped",
    "transcript.final",
    "agent.speaking",
    "agent.speaking",
    "agent.done",
  ]);
  const [{ latency } = assert.fail()] = talk.of("agent.done");
  assert.equal(latency.turn_ms, 500);
  assert.ok(latency.first_sound_ms! >= 500 && latency.first_sound_ms! <= 540, `${latency.first_sound_ms}`);
});

Deno.test("when the caller's end heard the answer is told with it, by the caller's own clock", async () => {
  using talk = await openTalk({ speech: [{ text: "what time is it" }], answers: [says("It is ten.")] });
  await talk.speak(600);
  await talk.silence(600);
  const [{ turn_id } = assert.fail()] = talk.of("agent.speaking");
  talk.loop.heardAt(turn_id, 731);
  talk.loop.heardAt("turn_of_another", 9);
  await talk.silence(2000);
  assert.deepEqual(talk.of("agent.done").map(({ latency }) => latency.heard_ms), [731]);
});

Deno.test("a pause that is shorter than the detector wants does not end a turn", async () => {
  using talk = await openTalk({ speech: [{ text: "one two three four" }] });
  await talk.speak(600);
  await talk.silence(400);
  await talk.speak(600);
  assert.equal(talk.of("speech.started").length, 1);
  await talk.silence(600);
  assert.deepEqual(talk.asked, ["one two three four"]);
});

Deno.test("a cough that no engine understands is no turn", async () => {
  using talk = await openTalk({ speech: [{ text: "" }] });
  await talk.speak(200);
  await talk.silence(700);
  assert.equal(talk.loop.state, "listening");
  assert.deepEqual(talk.asked, []);
  assert.deepEqual(talk.of("transcript.final").map(({ text }) => text), [""]);
});

Deno.test("a single loud frame is no speech", async () => {
  using talk = await openTalk();
  for (let i = 0; i < 5; i++) {
    await talk.speak(40);
    await talk.silence(100);
  }
  assert.deepEqual(talk.events, []);
});

Deno.test("what is said again before the words were there belongs to the same turn", async () => {
  using talk = await openTalk({ speech: [{ text: "I want", final_ms: 600 }, { text: "a pizza" }] });
  await talk.speak(400);
  await talk.silence(540);
  assert.equal(talk.loop.state, "thinking");
  await talk.speak(300);
  assert.equal(talk.loop.state, "hearing");
  await talk.silence(1000);
  assert.deepEqual(talk.asked, ["I want a pizza"]);
  const turns = new Set([...talk.of("speech.started"), ...talk.of("transcript.final")].map(({ turn_id }) => turn_id));
  assert.equal(turns.size, 1);
});

Deno.test("an engine that fails is told of, and the talk goes on", async () => {
  using talk = await openTalk({ speech: [{ text: "x", fail: new Error("It broke") }, { text: "once more" }] });
  await talk.speak(300);
  await talk.silence(600);
  assert.equal(talk.loop.state, "listening");
  assert.equal(talk.of("error").length, 1);
  assert.ok(!talk.of("error")[0]!.message.includes("broke"), "what nobody foresaw stays inside");
  assert.equal(talk.of("error")[0]!.turn_id, talk.of("transcript.final")[0]!.turn_id);
  await talk.speak(300);
  await talk.silence(600);
  assert.deepEqual(talk.asked, ["once more"]);
});

Deno.test("an engine that never comes to an end is left with what it understood", async () => {
  using talk = await openTalk({ speech: [{ text: "call my mother please", hang: true }] });
  await talk.speak(700);
  await talk.silence(560);
  assert.equal(talk.loop.state, "thinking");
  await talk.silence(3000);
  assert.deepEqual(talk.asked, ["call my"]);
});

Deno.test("an engine that understands nothing in time is a timeout", async () => {
  using talk = await openTalk({ speech: [{ text: "word", hang: true }] });
  await talk.speak(200);
  await talk.silence(15_400);
  assert.deepEqual(talk.of("error"), []);
  await talk.silence(600);
  assert.deepEqual(talk.of("error").map(({ error }) => error), ["TimeoutError"]);
  assert.equal(talk.loop.state, "listening");
});

Deno.test("a slow engine's first words are waited for longer than its last", async () => {
  using talk = await openTalk({ speech: [{ text: "yes", final_ms: 8000 }] });
  await talk.speak(200);
  await talk.silence(7000);
  assert.equal(talk.loop.state, "thinking");
  await talk.silence(2000);
  assert.deepEqual(talk.asked, ["yes"]);
});

Deno.test("a turn that never ends is cut", async () => {
  using talk = await openTalk({ limits: { max_turn_ms: 2000 }, answers: [says("")] });
  await talk.speak(2200);
  assert.deepEqual(talk.asked, ["hello there"]);
});

Deno.test("who stops sending has stopped speaking", async () => {
  using talk = await openTalk();
  await talk.speak(400);
  await talk.clock.pass(1100);
  assert.deepEqual(talk.asked, ["hello there"]);
});

Deno.test("who sends nothing in silence has stopped speaking as soon as others", async () => {
  using talk = await openTalk();
  await talk.speak(400);
  await talk.save(800);
  assert.deepEqual(talk.asked, ["hello there"]);
});

Deno.test("whose sound is held up in the middle of a word goes on with it", async () => {
  const heard: number[] = [];
  using talk = await openTalk({ deps: { stt: listens(heard) } });
  await talk.speak(400);
  await talk.clock.pass(480);
  assert.equal(talk.loop.state, "hearing");
  // What was on its way comes at once.
  await talk.speak(480, { at_once_ms: 480 });
  await talk.speak(400);
  await talk.silence(600);
  assert.deepEqual(talk.asked, ["hello there"]);
  assert.equal(heard.lastIndexOf(5000) - heard.indexOf(5000) + 1, 1280 / 20, "without a silence in between");
});

for (const at_once_ms of [100, 240, 1000]) {
  Deno.test(`sound that comes ${at_once_ms} ms at a time is heard without silences in between`, async () => {
    const heard: number[] = [];
    using talk = await openTalk({ deps: { stt: listens(heard) } });
    await talk.speak(3000, { at_once_ms });
    await talk.silence(600);
    assert.deepEqual(talk.asked, ["hello there"]);
    assert.equal(heard.lastIndexOf(5000) - heard.indexOf(5000) + 1, 3000 / 20);
  });
}

Deno.test("a muted caller is not heard, and one who is muted in the middle has finished", async () => {
  using talk = await openTalk();
  talk.loop.mute("caller", true);
  await talk.speak(600);
  assert.deepEqual(talk.events, []);
  talk.loop.mute("caller", false);
  await talk.speak(400);
  talk.loop.mute("caller", true);
  await talk.speak(800);
  assert.deepEqual(talk.asked, ["hello there"]);
});

Deno.test("typed text is answered like speech, and belongs to what is being said", async () => {
  using talk = await openTalk({ speech: [{ text: "show me this" }] });
  talk.loop.type("Good morning");
  await talk.silence(400);
  assert.deepEqual(talk.asked, ["Good morning"]);
  assert.equal(talk.played(), "Hi.");
  await talk.speak(400);
  talk.loop.type("https://example.com");
  await talk.silence(700);
  assert.deepEqual(talk.asked, ["Good morning", "show me this https://example.com"]);
});

Deno.test("without an engine that hears, the caller types; without one that speaks, the answer is text", async () => {
  using talk = await openTalk({ deps: { stt: undefined, tts: undefined }, answers: [says("One. Two.")] });
  await talk.speak(600);
  await talk.silence(600);
  assert.deepEqual(talk.events, []);
  talk.loop.type("Hello?");
  await talk.silence(40);
  assert.deepEqual(talk.of("agent.speaking").map(({ text }) => text), ["One.", "Two."]);
  assert.deepEqual(talk.stored, ["One. Two."]);
  assert.equal(talk.played(), "");
  assert.equal(talk.loop.state, "listening");
});

Deno.test("an answer is prepared at a pause, and not wanted any more when the caller goes on", async () => {
  const prepared: { text: string; signal: AbortSignal }[] = [];
  using talk = await openTalk({
    speech: [{ text: "book a table for two" }],
    deps: {
      brain: {
        prepare: (text, { signal }) => void prepared.push({ text, signal }),
        async *answer() {},
      },
    },
  });
  await talk.speak(700);
  await talk.silence(300);
  assert.deepEqual(prepared.map(({ text }) => text), ["book a"]);
  assert.equal(prepared[0]!.signal.aborted, false);
  await talk.speak(700);
  assert.equal(prepared[0]!.signal.aborted, true);
  await talk.silence(600);
  assert.deepEqual(prepared.map(({ text }) => text), ["book a", "book a table for"]);
  assert.equal(prepared[1]!.signal.aborted, false);
});

Deno.test("a greeting is said when the call begins, once", async () => {
  using talk = await openTalk({ deps: { voice: { greeting: "Welcome." } } });
  await talk.silence(800);
  talk.loop.pause();
  talk.loop.start();
  await talk.silence(800);
  assert.equal(talk.played(), "Welcome.");
  assert.deepEqual(talk.of("agent.done").map(({ run_id }) => run_id), [null]);
});

Deno.test("language and voice are the agent's, and what changes during the call holds from then on", async () => {
  const heard: (string | undefined)[] = [];
  using talk = await openTalk({
    answers: [says("Ja.")],
    deps: {
      voice: { language: "de-DE", voice: "anna", speed: 1.2 },
      stt: {
        rate: 16_000,
        streaming: false,
        check: () => Promise.resolve({ ok: true, detail: "" }),
        async *transcribe(audio, { language }) {
          heard.push(language);
          for await (const _ of audio);
          yield { text: "hallo", final: true };
        },
      },
    },
  });
  await talk.speak(400);
  await talk.silence(1500);
  talk.loop.setVoice({ language: "fr", voice: "marie" });
  await talk.speak(400);
  await talk.silence(1500);
  assert.deepEqual(heard, ["de-DE", "fr"]);
  assert.deepEqual(talk.said, [
    { text: "Ja.", language: "de-DE", voice: "anna", speed: 1.2 },
    { text: "Ja.", language: "fr", voice: "marie", speed: 1.2 },
  ]);
  assert.deepEqual(talk.of("transcript.final").map(({ language }) => language), ["de-DE", "fr"]);
});
