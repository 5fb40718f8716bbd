/**
 * Sound that goes out a little ahead and without silence, callers who know what they heard, and turns that are said by
 * hand.
 */
import { strict as assert } from "node:assert";
import type { SpeechToText } from "../../src/ports/speech_to_text.ts";
import { CHARACTER_MS, openTalk, says } from "../support/talk.ts";

const WAY = { lead_ms: 200, silence: false };
const LONG = "One two three four. Five six seven eight. Nine ten eleven twelve.";
/** What is taken off what was sent: it waits at the other end. */
const DELAY_MS = 60;

Deno.test("sound is ahead by no more than it may be, silence isn't sent, and an answer ends when it was heard", async () => {
  using talk = await openTalk({ answers: [says("Hello there.")], deps: { playout: WAY } });
  await talk.clock.pass(1000);
  assert.equal(talk.packets.length, 0);
  talk.loop.type("Hi");
  await talk.clock.pass(20);
  const begun = talk.packets[0]!.at;
  assert.equal(talk.packets.filter(({ at }) => at === begun).length, 11, "200 ms, and what is due");
  const length = "Hello there.".length * CHARACTER_MS;
  while (talk.of("agent.done").length === 0) await talk.clock.pass(20);
  const ended = talk.clock.now() - begun;
  assert.ok(ended >= length && ended < length + 100, `${ended} of ${length} ms`);
  assert.ok(talk.packets.at(-1)!.at <= begun + length - 180, "the last sound was there before its turn");
  const count = talk.packets.length;
  assert.equal(count, length / 20);
  const stamps = talk.packets.map(({ timestamp }) => timestamp);
  assert.deepEqual(stamps, stamps.map((_, i) => stamps[0]! + i * 960), "stamps go on as if nothing came early");
  await talk.clock.pass(1000);
  assert.equal(talk.packets.length, count);
  assert.deepEqual(talk.stored, ["Hello there."]);
});

Deno.test("what was sent ahead and not heard is not in history", async () => {
  using talk = await openTalk({ answers: [says(LONG)], deps: { playout: WAY } });
  talk.loop.type("Count");
  await talk.clock.pass(20);
  const begun = talk.packets[0]!.at;
  // "One two three" is 13 characters long.
  await talk.clock.pass(13 * CHARACTER_MS + DELAY_MS - (talk.clock.now() - begun) + 20);
  talk.loop.interrupt();
  await talk.clock.pass(20);
  assert.deepEqual(talk.of("agent.interrupted").map(({ heard }) => heard), ["One two three …"]);
  assert.deepEqual(talk.stored, ["One two three …"]);
});

Deno.test("a caller who says how much was heard is believed, back into sentences before, and not beyond what was sent", async () => {
  const heardAfter = async (ms: number) => {
    using talk = await openTalk({ answers: [says(LONG)], deps: { playout: WAY } });
    talk.loop.type("Count");
    await talk.clock.pass(45 * CHARACTER_MS);
    talk.loop.interrupt(ms);
    await talk.clock.pass(20);
    return talk.stored[0];
  };
  assert.equal(await heardAfter(0), "");
  assert.equal(await heardAfter(8 * CHARACTER_MS + DELAY_MS), "One two …");
  assert.equal(await heardAfter(25 * CHARACTER_MS + DELAY_MS), "One two three four. Five …");
  assert.equal(await heardAfter(1e6), "One two three four. Five six seven eight. …");
});

Deno.test("turns that are said by hand end when the caller says so, however long the silence", async () => {
  using talk = await openTalk({ speech: [{ text: "hello there" }], answers: [says("Hi.")] });
  talk.loop.byHand.use(true);
  await talk.speak(600);
  await talk.silence(5000);
  await talk.speak(400);
  assert.deepEqual(talk.asked, []);
  talk.loop.byHand.commit();
  await talk.clock.pass(20);
  assert.deepEqual(talk.asked, ["hello there"]);
  assert.deepEqual(talk.of("speech.started").length, 1);
  assert.throws(() => talk.loop.byHand.commit(), { message: /nothing was said/ });
});

Deno.test("an answer that is asked for with the turn waits for its words, and what was cleared is forgotten", async () => {
  using talk = await openTalk({
    speech: [{ text: "first" }, { text: "second", final_ms: 1000 }],
    answers: [says("One."), says("Two.")],
  });
  talk.loop.byHand.use(true);
  await talk.speak(400);
  talk.loop.clear();
  assert.deepEqual(talk.of("transcript.final").map(({ text }) => text), [""], "who follows it need not wait");
  assert.throws(() => talk.loop.byHand.commit());
  await talk.speak(400);
  talk.loop.byHand.commit();
  talk.loop.respond();
  await talk.clock.pass(900);
  assert.deepEqual(talk.asked, []);
  await talk.clock.pass(200);
  assert.deepEqual(talk.asked, ["second", ""]);
});

Deno.test("a call that ends before the words of a turn are there waits for them no more", async () => {
  const heard = Promise.withResolvers<AbortSignal>();
  const stt: SpeechToText = {
    rate: 16_000,
    streaming: false,
    check: () => Promise.resolve({ ok: true, detail: "" }),
    // deno-lint-ignore require-yield -- it never has an answer
    async *transcribe(audio, { signal }) {
      for await (const _ of audio);
      heard.resolve(signal);
      await new Promise(() => {});
    },
  };
  using talk = await openTalk({ deps: { stt } });
  talk.loop.byHand.use(true);
  await talk.speak(400);
  talk.loop.byHand.commit();
  const signal = await heard.promise;
  talk.loop[Symbol.dispose]();
  assert.equal(signal.aborted, true);
});

Deno.test("no more turns are ended than can be written down, and the one that is refused goes on", async () => {
  using talk = await openTalk({ speech: [{ text: "hello", final_ms: 5000 }], answers: [says("Hi.")] });
  talk.loop.byHand.use(true);
  for (let n = 0; n < 8; n++) {
    await talk.speak(100);
    talk.loop.byHand.commit();
  }
  await talk.speak(100);
  assert.throws(() => talk.loop.byHand.commit(), { name: "TooManyRequestsError" });
  await talk.clock.pass(5000);
  assert.equal(talk.of("transcript.final").length, 8);
  talk.loop.byHand.commit();
  await talk.clock.pass(5100);
  assert.equal(talk.of("transcript.final").length, 9);
});

Deno.test("a turn by hand that never ends is cut, which is told once", async () => {
  using talk = await openTalk({ limits: { max_turn_ms: 1000 } });
  talk.loop.byHand.use(true);
  await talk.speak(3000);
  assert.deepEqual(talk.of("error").map(({ error }) => error), ["PayloadTooLargeError"]);
  talk.loop.byHand.commit();
  await talk.speak(200);
  talk.loop.byHand.commit();
});

Deno.test("turns that are found can't be ended by hand, and a change of mind forgets what was begun", async () => {
  using talk = await openTalk();
  assert.throws(() => talk.loop.byHand.commit(), { message: /turns are found/ });
  await talk.speak(400);
  talk.loop.byHand.use(true);
  await talk.silence(2000);
  assert.deepEqual(talk.asked, []);
  talk.loop.byHand.use(false);
  await talk.speak(400);
  await talk.silence(1000);
  assert.deepEqual(talk.asked, ["hello there"]);
});
