/** What a client of calls keeps until the server has acknowledged it. */
import { strict as assert } from "node:assert";
import { Outbox } from "../../console/call/outbox.ts";
import type { ErrorBody } from "../../src/domain/error.ts";
import { RtcMessage } from "../../src/domain/rtc_event.ts";

function openOutbox() {
  const told: ErrorBody[] = [];
  return { told, outbox: new Outbox({ onGivenUp: (error) => void told.push(error) }) };
}

Deno.test("what is longer than the server takes is never sent, and said", () => {
  const { told, outbox } = openOutbox();
  const longest = { type: "text", text: "x".repeat(100_000) } as const;
  assert.ok(RtcMessage.safeParse(JSON.parse(outbox.add(longest)!)).success);
  const longer = { ...longest, text: `${longest.text}x` };
  assert.ok(!RtcMessage.safeParse(longer).success);
  assert.equal(outbox.add(longer), undefined);
  assert.deepEqual(told.map(({ error }) => error), ["PayloadTooLargeError"]);
  assert.equal(outbox.texts.length, 1);
});

/** The texts that are sent now. */
const textsOf = ({ texts }: Outbox) => texts.map((text) => JSON.parse(text).text);

Deno.test("nothing is sent behind a long message before it is acknowledged", () => {
  const { told, outbox } = openOutbox();
  const [one, long, two, longer, three] = ["One", "x".repeat(1024), "Two", "y".repeat(1024), "Three"];
  const sent = [one, long, two, longer, three].map((text) => outbox.add({ type: "text", text: text! }));
  assert.deepEqual(sent.map((text) => text !== undefined), [true, true, false, false, false]);
  assert.deepEqual(textsOf(outbox), [one, long]);
  const acknowledge = (at: number) => outbox.acknowledge(JSON.parse(outbox.texts[at]!).id);
  assert.equal(acknowledge(0), false);
  assert.deepEqual(textsOf(outbox), [long]);
  assert.equal(acknowledge(0), true, "more can be sent");
  assert.deepEqual(textsOf(outbox), [two, longer]);
  assert.deepEqual(told, []);
});

Deno.test("a long message that the server doesn't take is given up, and the rest is kept", () => {
  const { told, outbox } = openOutbox();
  for (const text of ["One", "x".repeat(1024), "Two"]) outbox.add({ type: "text", text });
  outbox.giveUpLong();
  outbox.giveUpLong();
  assert.deepEqual(textsOf(outbox), ["One", "Two"]);
  assert.deepEqual(told.map(({ error }) => error), ["PayloadTooLargeError"]);
  for (const text of outbox.texts) outbox.acknowledge(JSON.parse(text).id);
  assert.ok(outbox.empty);
});

Deno.test("the oldest of too many is given up, and that is said", () => {
  const { told, outbox } = openOutbox();
  for (let n = 0; n <= 64; n++) outbox.add({ type: "text", text: `${n}` });
  assert.deepEqual(textsOf(outbox), Array.from({ length: 64 }, (_, n) => `${n + 1}`));
  assert.deepEqual(told.map(({ error }) => error), ["UnavailableError"]);
});
