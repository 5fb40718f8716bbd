/**
 * Ten minutes of talk.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { openTalk, says } from "../support/talk.ts";

Deno.test("in ten minutes of talk packets keep real time, and nothing is left behind", async () => {
  using talk = await openTalk({
    answers: [says("This is the first of many answers. It has two sentences.")],
    limits: { echo_guard: true },
  });
  const begun = talk.clock.now();
  for (let i = 0; i < 100; i++) {
    await talk.speak(i % 3 === 0 ? 200 : 1000);
    await talk.silence(i % 3 === 0 ? 5800 : 5000);
  }
  const passed = talk.clock.now() - begun;
  assert.equal(passed, 600_000);
  assert.equal(talk.packets.length, passed / 20 + 1);
  talk.packets.forEach(({ at, timestamp, marker }, i) => {
    assert.equal(at - begun, i * 20, "never ahead of real time, never behind");
    assert.equal(timestamp, i * 960);
    assert.equal(marker, i === 0);
  });
  assert.ok(talk.asked.length > 60);
  assert.ok(talk.clock.timers <= 3, `${talk.clock.timers} timers wait`);
  talk.loop[Symbol.dispose]();
  await talk.clock.pass(0);
  assert.equal(talk.clock.timers, 0);
});
