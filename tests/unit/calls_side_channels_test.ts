import { strict as assert } from "node:assert";
import { SideChannels } from "../../src/core/calls/side_channels.ts";
import { Terms } from "../../src/core/calls/terms.ts";
import { CALL_HISTORY } from "../../src/domain/call_history.ts";
import type { Channel } from "../../src/ports/peers.ts";

function fakeChannel(label: string, { room = Infinity } = {}): Channel & { sent: string[]; closed: boolean } {
  const channel = {
    label,
    sent: [] as string[],
    closed: false,
    send: (text: string) => channel.sent.length < room && channel.sent.push(text) > 0,
    close: () => void (channel.closed = true),
  };
  return channel;
}

const never = new AbortController().signal;

Deno.test("a door hears a channel from its first text on, also one that opened before, and again", async () => {
  const sides = new SideChannels();
  sides.open(fakeChannel("oai-events")).onMessage("early");
  using held = sides.hold("oai-events", never);
  const first = sides.open(fakeChannel("oai-events"));
  first.onMessage("late");
  sides.end();
  assert.deepEqual(await Array.fromAsync(held), [
    { type: "open" },
    { type: "text", text: "early" },
    { type: "open" },
    { type: "text", text: "late" },
  ]);
});

Deno.test("what is sent goes to the channel that is open, and one that would miss something is closed", () => {
  const sides = new SideChannels();
  sides.send("oai-events", "nobody is there");
  const channel = fakeChannel("oai-events", { room: 1 });
  const { onClose } = sides.open(channel);
  sides.send("oai-events", "one");
  assert.equal(channel.closed, false);
  sides.send("oai-events", "two");
  assert.equal(channel.closed, true);
  onClose();
  sides.send("oai-events", "three");
  assert.deepEqual(channel.sent, ["one"]);
});

Deno.test("a caller can't make texts wait under ever new labels", () => {
  const sides = new SideChannels();
  const channels = Array.from({ length: 6 }, (_, i) => fakeChannel(`label-${i}`));
  for (const channel of channels) sides.open(channel).onClose();
  assert.deepEqual(channels.map(({ closed }) => closed), [false, false, false, false, true, true]);
  const known = fakeChannel("label-0");
  sides.open(known);
  assert.equal(known.closed, false);
});

Deno.test("what waits for a door is bounded by its length, too", async () => {
  const sides = new SideChannels();
  const text = "x".repeat(60_000);
  const early = sides.open(fakeChannel("early"));
  for (let i = 0; i < 10; i++) early.onMessage(text);
  const slow = sides.open(fakeChannel("slow"));
  using held = sides.hold("slow", never);
  for (let i = 0; i < 100; i++) slow.onMessage(text);
  using late = sides.hold("early", never);
  sides.end();
  const lengths = async (from: typeof held) => (await Array.fromAsync(from)).length;
  assert.equal(await lengths(late), 5, "the channel's opening, and four texts");
  assert.equal(await lengths(held), 70, "the channel's opening, and the texts before it was too much");
});

Deno.test("what a caller brings goes with one answer, and what is asked of every answer stays", () => {
  const terms = new Terms();
  terms.configure({ options: { instructions: "Be brief." }, answers: false });
  terms.configure({ answers: true });
  terms.bring([{ role: "user", content: "a", attachments: [] }]);
  terms.askOnce({ instructions: "Sing." });
  const first = terms.take();
  assert.equal(first.options.instructions, "Sing.");
  assert.deepEqual(first.messages.map(({ content }) => content), ["a"]);
  assert.deepEqual(terms.take(), { options: { instructions: "Be brief." }, messages: [] });
  assert.equal(terms.answers, true);
  const many = Array.from(
    { length: CALL_HISTORY.waiting },
    () => ({ role: "user" as const, content: "x", attachments: [] }),
  );
  terms.bring(many);
  assert.throws(() => terms.bring(many.slice(0, 1)), { name: "TooManyRequestsError" });
});
