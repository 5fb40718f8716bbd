/**
 * How turns are found is changed while the talk goes on.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { SemanticTurns } from "../../src/core/voice/semantic_turns.ts";
import { SilenceTurns } from "../../src/core/voice/silence_turns.ts";
import type { SpeechToText } from "../../src/ports/speech_to_text.ts";
import { MovingClock } from "../support/moving_clock.ts";
import { openTalk, says, type Talk, type TalkOptions } from "../support/talk.ts";

const STORY = "Once upon a time there was a fox. It lived in a wood. The end.";

/** Two pieces of speech with `ms` between them, and what they were taken for. */
async function twoPieces(talk: Talk, ms: number): Promise<string[]> {
  const before = talk.asked.length;
  await talk.speak(400);
  await talk.silence(ms);
  await talk.speak(400);
  await talk.silence(6000);
  return talk.asked.slice(before);
}

/** A talk in which the agent has begun to tell a story. */
async function storyTalk(options: TalkOptions = {}): Promise<Talk> {
  const { speech = [], ...rest } = options;
  const talk = await openTalk({
    answers: [says(STORY), says("All right.")],
    ...rest,
    speech: [{ text: "tell me a story" }, ...speech],
  });
  await talk.speak(400);
  await talk.silence(1540);
  assert.equal(talk.loop.state, "speaking");
  return talk;
}

Deno.test("a longer silence joins what a shorter one parts, also beyond the longest of the settings", async () => {
  using talk = await openTalk({ speech: [{ text: "yes" }], answers: [says("")] });
  talk.loop.tune({ end_ms: 1500 });
  assert.deepEqual(await twoPieces(talk, 1200), ["yes"]);
  talk.loop.tune({ end_ms: 300 });
  assert.deepEqual(await twoPieces(talk, 1200), ["yes", "yes"]);
  talk.loop.tune({ end_ms: 4000 });
  assert.deepEqual(await twoPieces(talk, 3800), ["yes"]);
  talk.loop.tune({});
  assert.deepEqual(await twoPieces(talk, 1200), ["yes", "yes"], "what isn't said is as the talk began");
});

Deno.test("a silence that is shorter than a pause usually is ends a turn, too", async () => {
  using talk = await openTalk();
  talk.loop.tune({ end_ms: 100 });
  await talk.speak(400);
  await talk.silence(200);
  await talk.silence(2000);
  const [{ latency } = assert.fail()] = talk.of("agent.done");
  assert.ok(latency.turn_ms! <= 120, `${latency.turn_ms}: it is decided a frame later`);
});

Deno.test("a change in a pause counts for this pause", async () => {
  using talk = await openTalk();
  await talk.speak(400);
  await talk.silence(400);
  talk.loop.tune({ end_ms: 2000 });
  await talk.silence(1500);
  assert.equal(talk.loop.state, "hearing");
  talk.loop.tune({ end_ms: 300 });
  await talk.silence(40);
  assert.deepEqual(talk.asked, ["hello there"]);
});

Deno.test("a threshold keeps soft speech from being heard, around that of the settings", async () => {
  // What is said here has some −16 dBFS.
  using talk = await openTalk({ limits: { vad_threshold_db: -30 } });
  talk.loop.tune({ threshold: 1 });
  await talk.speak(600);
  await talk.silence(600);
  assert.deepEqual(talk.events, []);
  for (const threshold of [0.5, 0]) {
    talk.loop.tune({ threshold });
    await talk.speak(600);
    await talk.silence(2000);
  }
  assert.equal(talk.asked.length, 2);
});

Deno.test("as much sound before the speech belongs to it as is wanted", async () => {
  const silent: number[] = [];
  const stt: SpeechToText = {
    rate: 16_000,
    streaming: false,
    check: () => Promise.resolve({ ok: true, detail: "" }),
    async *transcribe(audio) {
      let before = 0;
      let heard = false;
      for await (const frame of audio) {
        heard ||= frame[0] !== 0;
        if (!heard) before += 20;
      }
      silent.push(before);
      yield { text: "yes", final: true };
    },
  };
  using talk = await openTalk({ deps: { stt }, answers: [says("")] });
  for (const preroll_ms of [0, 1000, undefined]) {
    talk.loop.tune({ ...preroll_ms !== undefined && { preroll_ms } });
    await talk.silence(3000);
    await talk.speak(400);
    await talk.silence(1000);
  }
  // Speech is noticed a frame or so after it began.
  const [none, much, usual] = silent;
  assert.ok(none! <= 40 && Math.abs(much! - 1000) <= 40 && Math.abs(usual! - 300) <= 40, `${silent}`);
});

Deno.test("turns are judged by their words from now on, and the unfinished waits as long as is said", async () => {
  const clock = new MovingClock();
  const ask = ({ text }: { text: string }) => Promise.resolve(text.endsWith("door") ? "DONE" : "WAIT");
  using talk = await openTalk({
    speech: [{ text: "open the" }],
    whole: true,
    deps: {
      turns({ turn_detection = "silence", end_ms = 500, max_end_ms = 2500 }) {
        const fallback = new SilenceTurns({ end_ms });
        if (turn_detection === "silence") return fallback;
        return new SemanticTurns({ ask, clock, timeout_ms: 1000, done_ms: 200, wait_ms: max_end_ms, fallback });
      },
    },
  });
  talk.loop.tune({ turn_detection: "semantic", max_end_ms: 8000 });
  await talk.speak(400);
  await talk.silence(7900);
  assert.deepEqual(talk.asked, []);
  await talk.silence(200);
  assert.deepEqual(talk.asked, ["open the"]);
  await talk.silence(1000);
  talk.loop.tune({ turn_detection: "silence" });
  await talk.speak(400);
  await talk.silence(600);
  assert.deepEqual(talk.asked, ["open the", "open the"]);
});

Deno.test("speech that interrupts nothing is a turn whose answer waits for the one that goes on", async () => {
  using talk = await storyTalk({ speech: [{ text: "and the fox" }] });
  talk.loop.tune({ interrupts: false });
  await talk.speak(900);
  assert.equal(talk.loop.state, "speaking");
  assert.equal(talk.loop.hearing, true);
  await talk.silence(6000);
  assert.deepEqual(talk.of("agent.interrupted"), []);
  assert.deepEqual(talk.of("speech.started").length, 2);
  assert.deepEqual(talk.asked, ["tell me a story", "and the fox"]);
  assert.equal(talk.played(), "Once upon a time there was a fox.It lived in a wood.The end.|All right.");
  assert.deepEqual(talk.stored, [STORY, "All right."]);
  talk.loop.tune({});
  assert.equal(talk.loop.state, "listening");
});

Deno.test("speech that interrupts nothing may outlast the answer", async () => {
  using talk = await storyTalk({ speech: [{ text: "and the fox" }] });
  talk.loop.tune({ interrupts: false });
  await talk.speak(5000);
  assert.deepEqual(talk.stored, [STORY]);
  assert.equal(talk.loop.state, "hearing");
  await talk.silence(2000);
  assert.deepEqual(talk.asked, ["tell me a story", "and the fox"]);
});

Deno.test("an answer that is silent for what may interrupt it goes on when nothing may", async () => {
  using talk = await storyTalk({ speech: [{ text: "so what about the fox" }] });
  await talk.speak(200);
  assert.equal(talk.loop.state, "ducked");
  talk.loop.tune({ interrupts: false });
  assert.equal(talk.of("agent.resumed").length, 1);
  assert.equal(talk.loop.state, "speaking");
  await talk.speak(600);
  await talk.silence(6000);
  assert.deepEqual(talk.of("agent.interrupted"), []);
  assert.deepEqual(talk.stored, [STORY, "All right."]);
  assert.deepEqual(talk.asked, ["tell me a story", "so what about the fox"]);
});

Deno.test("words that come after nothing may interrupt are answered, and interrupt nothing", async () => {
  using talk = await storyTalk({ speech: [{ text: "please stop", final_ms: 1500, word_ms: 1000 }] });
  await talk.speak(300);
  await talk.silence(900);
  assert.equal(talk.loop.state, "speaking");
  talk.loop.tune({ interrupts: false });
  await talk.silence(6000);
  assert.deepEqual(talk.of("agent.interrupted"), []);
  assert.deepEqual(talk.asked, ["tell me a story", "please stop"]);
});

Deno.test("a caller who says nothing after an answer is asked again, a few times in a row", async () => {
  using talk = await openTalk({ speech: [{ text: "hello" }], answers: [says("Hi.")] });
  talk.loop.tune({ idle_ms: 5000 });
  await talk.silence(8000);
  assert.deepEqual(talk.asked, [], "nobody was answered yet");
  await talk.speak(400);
  await talk.silence(5300);
  assert.deepEqual(talk.asked, ["hello"]);
  await talk.silence(800);
  const silence = "(Nothing is heard of the caller.)";
  assert.deepEqual(talk.asked, ["hello", silence]);
  const [{ since_ms, at_ms } = assert.fail()] = talk.of("speech.timeout");
  assert.equal(at_ms - since_ms, 5000);
  await talk.silence(60_000);
  assert.deepEqual(talk.asked, ["hello", silence, silence, silence]);
  await talk.speak(400);
  await talk.silence(7000);
  assert.deepEqual(talk.asked.slice(4), ["hello", silence]);
});

Deno.test("nobody counts as silent who speaks, is on hold, muted, or says where turns end", async () => {
  using talk = await openTalk({ speech: [{ text: "hello" }, { text: "" }], answers: [says("Hi.")] });
  talk.loop.tune({ idle_ms: 2000 });
  await talk.speak(400);
  await talk.silence(1500);
  for (let n = 0; n < 3; n++) {
    await talk.speak(200);
    await talk.silence(1700);
  }
  talk.loop.hold(true);
  await talk.silence(3000);
  talk.loop.hold(false);
  talk.loop.mute("caller", true);
  await talk.silence(3000);
  talk.loop.mute("caller", false);
  talk.loop.byHand.use(true);
  await talk.clock.pass(3000);
  talk.loop.byHand.use(false);
  talk.loop.pause();
  await talk.clock.pass(3000);
  talk.loop.start();
  await talk.silence(1900);
  assert.deepEqual(talk.of("speech.timeout"), []);
  await talk.silence(200);
  assert.equal(talk.of("speech.timeout").length, 1);
  talk.loop.tune({});
  await talk.silence(10_000);
  assert.equal(talk.of("speech.timeout").length, 1);
});

Deno.test("where others speak, too, an agent never goes on by itself, and nothing is changed", async () => {
  const company = { speaking: false, barging: false, interrupt() {}, resume() {}, played() {} };
  using talk = await openTalk({ speech: [{ text: "yes" }], answers: [says("")], deps: { company } });
  assert.throws(() => talk.loop.tune({ idle_ms: 5000, end_ms: 2000 }), { name: "ConflictError" });
  assert.deepEqual(await twoPieces(talk, 1200), ["yes", "yes"]);
});
