/**
 * A talk among others: one agent speaks at a time, and everybody may interrupt it.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { openTalk, says } from "../support/talk.ts";

/** The others, as a test wants them. */
function others() {
  const told: string[] = [];
  const company = {
    speaking: false,
    barging: false,
    interrupt: () => {
      told.push("interrupt");
      company.speaking = false;
    },
    resume: () => void told.push("resume"),
    played() {},
  };
  return { company, told };
}

Deno.test("an answer waits until the agent who speaks elsewhere has finished", async () => {
  const { company } = others();
  using talk = await openTalk({ answers: [says("Good morning.")], deps: { company } });
  talk.loop.respond();
  company.speaking = true;
  await talk.silence(3000);
  assert.equal(talk.played(), "");
  company.speaking = false;
  await talk.silence(3000);
  assert.equal(talk.played(), "Good morning.");
});

Deno.test("an answer pauses while somebody else may be interrupting it, and goes on", async () => {
  const { company } = others();
  using talk = await openTalk({ answers: [says("Good morning to all of you.")], deps: { company } });
  talk.loop.respond();
  await talk.silence(600);
  company.barging = true;
  const before = talk.played();
  assert.ok(before.length > 3);
  await talk.silence(1000);
  assert.equal(talk.played(), before);
  company.barging = false;
  await talk.silence(3000);
  assert.equal(talk.played().replace("|", ""), "Good morning to all of you.");
});

Deno.test("who speaks while an agent speaks elsewhere interrupts it, and is listened to", async () => {
  const { company, told } = others();
  using talk = await openTalk({ speech: [{ text: "wait a moment please" }], deps: { company } });
  company.speaking = true;
  await talk.speak(900);
  assert.deepEqual(told, ["interrupt"]);
  await talk.silence(1500);
  assert.deepEqual(talk.asked, ["wait a moment please"]);
});

Deno.test("a murmur interrupts nobody, and what is typed does", async () => {
  const { company, told } = others();
  using talk = await openTalk({ speech: [{ text: "mhm", word_ms: 200 }], deps: { company } });
  company.speaking = true;
  await talk.speak(300);
  await talk.silence(2000);
  assert.deepEqual([told.includes("interrupt"), told.includes("resume")], [false, true]);
  talk.loop.type("wait");
  assert.ok(told.includes("interrupt"));
});
