/**
 * How turns are found is changed at awkward moments, and nobody answers an agent that goes on by itself.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { sleep } from "../../src/kit/clock.ts";
import { openTalk, says, type ScriptedAnswer, type Talk } from "../support/talk.ts";

const STORY = "Once upon a time there was a fox. It lived in a wood. The end.";
const NOTHING = "(Nothing is heard of the caller.)";

/** An answer that waits for somebody's decision, after `words`. */
function waiting(words: string, ms: number): ScriptedAnswer {
  return async function* ({ turn_id, delivery, signal }, clock) {
    yield { type: "started", run_id: `run_${turn_id}` };
    if (words !== "") {
      yield { type: "text", text: words };
      await delivery.heard(words, { signal });
    }
    yield { type: "waiting" };
    await sleep(clock, ms);
    yield { type: "text", text: "It is done. " };
    await delivery.heard("It is done. ", { signal });
  };
}

/** A talk whose caller has said something over the agent's voice that has no words yet. */
async function bargedTalk(text: string): Promise<Talk> {
  const talk = await openTalk({
    answers: [says(STORY), says("All right.")],
    speech: [{ text: "tell me a story" }, { text, final_ms: 300, word_ms: 1000 }, { text: "" }],
  });
  await talk.speak(400);
  await talk.silence(1540);
  await talk.speak(200);
  await talk.silence(300);
  assert.equal(talk.loop.state, "ducked");
  return talk;
}

for (const text of ["mhm", "please stop"]) {
  for (const [how, act] of [["tune", { interrupts: false }], ["interrupt", undefined]] as const) {
    Deno.test(`words that come after ${how} belong to a turn that ends: "${text}"`, async () => {
      using talk = await bargedTalk(text);
      if (act) talk.loop.tune(act);
      else talk.loop.interrupt();
      await talk.silence(8000);
      assert.equal(talk.of("speech.started").length, talk.of("speech.stopped").length);
      assert.deepEqual([talk.loop.hearing, talk.loop.state], [false, "listening"]);
    });
  }
}

for (const interrupts of [true, false]) {
  Deno.test(`an answer goes on while the caller speaks, ${interrupts ? "" : "not "}to be interrupted`, async () => {
    const answers = [waiting("One moment. ", 3000), says("Ok.")];
    using talk = await openTalk({ answers, speech: [{ text: "do it" }, { text: "well and so on" }] });
    talk.loop.tune({ interrupts });
    await talk.speak(400);
    await talk.silence(2500);
    await talk.speak(3000);
    await talk.silence(6000);
    assert.deepEqual(talk.of("error"), []);
    assert.deepEqual([talk.loop.state, talk.asked], ["listening", ["do it", "well and so on"]]);
  });
}

Deno.test("who speaks over an answer interrupts it no more from the moment that says so", async () => {
  const speech = [{ text: "first", final_ms: 3000 }, { text: "second" }];
  using talk = await openTalk({ answers: [says(STORY), says("Ok.")], speech });
  await talk.speak(400);
  await talk.silence(800);
  talk.loop.respond();
  await talk.silence(600);
  await talk.speak(400);
  talk.loop.tune({ interrupts: false });
  await talk.silence(12_000);
  assert.deepEqual([talk.loop.state, talk.of("agent.interrupted"), talk.of("error")], ["listening", [], []]);
});

Deno.test("a change between turns judges none again", async () => {
  const decided: string[] = [];
  const detector = {
    words: true,
    decide: ({ text }: { text: string }) => (decided.push(text), Promise.resolve(200)),
  };
  using talk = await openTalk({ answers: [says("Hi.")], deps: { turns: () => detector } });
  await talk.speak(400);
  await talk.silence(3000);
  const before = [...decided];
  assert.ok(before.length > 0);
  for (const how of [{ interrupts: false }, {}, { threshold: 0.6 }]) talk.loop.tune(how);
  await talk.silence(100);
  assert.deepEqual(decided, before);
});

Deno.test("an agent that calls its client's tool at each silence does so three times", async () => {
  using talk = await openTalk({ speech: [{ text: "hello" }], answers: [says("Hi.")] });
  talk.loop.tune({ idle_ms: 5000 });
  await talk.speak(400);
  let timeouts = 0;
  for (let second = 0; second < 100; second++) {
    await talk.silence(1000);
    if (talk.of("speech.timeout").length === timeouts) continue;
    timeouts++;
    await talk.silence(500);
    // What a tool gave is answered, which nobody has said.
    talk.loop.respond();
  }
  assert.equal(timeouts, 3);
});

Deno.test("the silence after an answer without words is as long as after any", async () => {
  using talk = await openTalk({ speech: [{ text: "hello" }], answers: [says("Hi."), says("")] });
  talk.loop.tune({ idle_ms: 5000 });
  await talk.speak(400);
  await talk.silence(5800);
  await talk.silence(600);
  assert.deepEqual(talk.asked, ["hello", NOTHING]);
});

Deno.test("an answer that waits for a decision is none that is over", async () => {
  const answers = [says("Hi there, one two three four five six."), waiting("", 60_000), says("Are you there?")];
  using talk = await openTalk({ answers, speech: [{ text: "a" }, { text: "b" }] });
  talk.loop.tune({ idle_ms: 5000, interrupts: false });
  await talk.speak(400);
  await talk.silence(1000);
  await talk.speak(400);
  await talk.silence(30_000);
  assert.deepEqual([talk.asked, talk.of("speech.timeout")], [["a", "b"], []]);
});
