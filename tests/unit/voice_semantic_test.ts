/**
 * Turns that end when what was said is complete, with engines that understand at once and with those that don't.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { SemanticTurns } from "../../src/core/voice/semantic_turns.ts";
import { SilenceTurns } from "../../src/core/voice/silence_turns.ts";
import { type Clock, sleep } from "../../src/kit/clock.ts";
import type { TurnDetector } from "../../src/ports/turn_detector.ts";
import { openTalk, type Talk, type TalkOptions } from "../support/talk.ts";

/** A talk whose turns are judged by `judge`, which sees the words and may take its time. */
async function open(
  judge: (words: string, clock: Clock) => Promise<string>,
  options: TalkOptions = {},
): Promise<{ talk: Talk; judged: string[] }> {
  const judged: string[] = [];
  // deno-lint-ignore prefer-const -- made with the detector below
  let talk: Talk;
  const clock = (): Clock => talk.clock;
  const turns: TurnDetector = new SemanticTurns({
    ask({ text }) {
      const words = /Now: (.*)/.exec(text)![1]!;
      judged.push(words);
      return judge(words, clock());
    },
    clock: { now: () => clock().now(), after: (ms, task) => clock().after(ms, task), every: () => undefined as never },
    timeout_ms: 1000,
    done_ms: 200,
    wait_ms: 2500,
    fallback: new SilenceTurns({ end_ms: 500 }),
  });
  talk = await openTalk({ ...options, deps: { ...options.deps, turns: () => turns } });
  return { talk, judged };
}

/** How long after the end of speech the turn was over. */
function turnMs(talk: Talk): number {
  return talk.of("agent.done")[0]!.latency.turn_ms!;
}

const complete = (words: string) => Promise.resolve(words.endsWith("door") ? "DONE" : "WAIT");

Deno.test("a sentence that is not complete waits, also where nothing is understood before it ends", async () => {
  for (const whole of [true, false]) {
    const speech = whole
      ? [{ text: "please open the" }, { text: "door" }]
      : [{ text: "please open the door", word_ms: 100 }];
    const { talk, judged } = await open(complete, { speech, whole });
    using _ = talk;
    await talk.speak(whole ? 400 : 300);
    await talk.silence(1500);
    assert.equal(talk.loop.state, "hearing", `${judged}`);
    assert.deepEqual(talk.asked, []);
    await talk.speak(400);
    await talk.silence(2800);
    assert.deepEqual(talk.asked, ["please open the door"]);
    assert.deepEqual(judged[0], "please open the");
    assert.equal(talk.of("transcript.final").length, 1);
    assert.equal(talk.of("speech.started").length, 1);
  }
});

Deno.test("a complete sentence is answered sooner than silence alone would have it", async () => {
  const { talk, judged } = await open(complete, { speech: [{ text: "open the door" }], whole: true });
  using _ = talk;
  await talk.speak(600);
  await talk.silence(2000);
  assert.deepEqual(judged, ["open the door"]);
  assert.deepEqual(talk.asked, ["open the door"]);
  assert.ok(turnMs(talk) <= 240, `${turnMs(talk)}`);
});

Deno.test("a model that is slow, fails or answers nonsense leaves it to silence", async () => {
  const judges: Record<string, { judge: (words: string, clock: Clock) => Promise<string>; most_ms: number }> = {
    fails: { judge: () => Promise.reject(new Error("Down")), most_ms: 540 },
    nonsense: { judge: () => Promise.resolve("I am a language model"), most_ms: 540 },
    slow: { judge: (_, clock) => sleep(clock, 60_000).then(() => "WAIT"), most_ms: 1240 },
  };
  for (const [name, { judge, most_ms }] of Object.entries(judges)) {
    const { talk } = await open(judge, { speech: [{ text: "open the door" }], whole: true });
    using _ = talk;
    await talk.speak(600);
    await talk.silence(3000);
    assert.deepEqual(talk.asked, ["open the door"], name);
    assert.ok(turnMs(talk) >= 500 && turnMs(talk) <= most_ms, `${name}: ${turnMs(talk)}`);
  }
});

Deno.test("what is judged in a pause is void when the caller goes on first", async () => {
  const { talk, judged } = await open(
    (words, clock) => sleep(clock, 300).then(() => words === "stop" ? "DONE" : "WAIT"),
    { speech: [{ text: "stop" }, { text: "the music" }], whole: true },
  );
  using _ = talk;
  await talk.speak(400);
  await talk.silence(240);
  await talk.speak(400);
  await talk.silence(4000);
  assert.deepEqual(judged, ["stop", "stop the music"]);
  assert.deepEqual(talk.asked, ["stop the music"]);
});

Deno.test("an engine that fails in a pause is told of once, at the end of the turn", async () => {
  const { talk } = await open(complete, { speech: [{ text: "x", fail: new Error("It broke") }], whole: true });
  using _ = talk;
  await talk.speak(400);
  await talk.silence(1000);
  assert.equal(talk.of("error").length, 1);
  assert.equal(talk.loop.state, "listening");
});

Deno.test("an answer is prepared from the words of a pause", async () => {
  const prepared: string[] = [];
  const { talk } = await open(complete, {
    speech: [{ text: "open the door" }],
    whole: true,
    deps: { brain: { prepare: (text) => void prepared.push(text), async *answer() {} } },
  });
  using _ = talk;
  await talk.speak(600);
  await talk.silence(600);
  assert.deepEqual(prepared, ["open the door"]);
});
