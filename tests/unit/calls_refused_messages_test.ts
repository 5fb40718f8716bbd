/** Messages of a call that are refused: their client is told so once, and needn't send them again. */
import { strict as assert } from "node:assert";
import { Acknowledgements } from "../../src/core/calls/acknowledgements.ts";
import { type CallVerbs, takeMessage } from "../../src/core/calls/control.ts";
import { MessageMeter } from "../../src/core/calls/message_meter.ts";
import type { Principal } from "../../src/domain/access.ts";
import { MovingClock } from "../support/moving_clock.ts";

/** How many messages are taken at once. */
const BURST = 200;

/** A call that takes messages. What comes as `offer` isn't done before `settle`. */
function openCall() {
  const clock = new MovingClock();
  const told: string[] = [];
  const said: string[] = [];
  const settled = Promise.withResolvers<void>();
  const acknowledgements = new Acknowledgements({ onDone: (id) => void told.push(id) });
  const meter = new MessageMeter({ clock });
  const verbs = {
    say: (text) => void said.push(text),
    takeOffer: () => settled.promise,
    clear() {},
    once: (id, work) => acknowledgements.once(id, work),
    admit: (type, work) => meter.admit(type, work),
    complain: ({ name }) => void told.push(name),
  } satisfies Partial<CallVerbs>;
  const take = (message: unknown) =>
    takeMessage(
      typeof message === "string" ? message : JSON.stringify(message),
      verbs as unknown as CallVerbs,
      {} as Principal,
    );
  return { clock, told, said, take, settle: settled.resolve };
}

Deno.test("a message that can't be read is acknowledged if it has an id, and refused once", async () => {
  const { told, take } = openCall();
  const long = { type: "text", text: "x".repeat(100_001), id: "long" };
  for (const message of [long, long, { type: "sing", id: "unknown" }]) await take(message);
  assert.deepEqual(told, ["long", "ValidationError", "long", "unknown", "ValidationError"]);
});

Deno.test("what has no id that can be read is refused each time", async () => {
  const { told, take } = openCall();
  const messages = ["no JSON", "null", '"text"', { type: "clear", id: 1 }, { type: "clear", id: "x".repeat(65) }];
  for (const message of messages) await take(message);
  assert.deepEqual(told, messages.map(() => "ValidationError"));
});

Deno.test("what comes in a flood is not done later, and what was done before is acknowledged in it", async () => {
  const { clock, told, said, take } = openCall();
  await take({ type: "text", text: "Hello", id: "first" });
  for (let count = 1; count < BURST; count++) await take({ type: "clear" });
  const flooded = { type: "text", text: "Hello again", id: "second" };
  await take(flooded);
  await take({ type: "text", text: "Hello", id: "first" });
  await clock.pass(60_000);
  await take(flooded);
  assert.deepEqual(told, ["first", "second", "TooManyRequestsError", "first", "second"]);
  assert.deepEqual(said, ["Hello"]);
});

Deno.test("too many at once that are not done yet are refused, however many are done at once are not", async () => {
  const { told, take, settle } = openCall();
  await Promise.all(Array.from({ length: 64 }, () => take({ type: "clear" })));
  assert.deepEqual(told, [], "64 in one go");
  const offers = Array.from({ length: 32 }, (_, n) => take({ type: "offer", sdp: "v=0", id: `${n}` }));
  await take({ type: "clear", id: "late" });
  assert.deepEqual(told.splice(0), ["late", "TooManyRequestsError"]);
  settle();
  await Promise.all(offers);
  await take({ type: "clear", id: "after" });
  assert.equal(told.at(-1), "after");
  assert.equal(told.length, 33);
});
