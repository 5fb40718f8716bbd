/** Messages that come again, since nobody told their sender that they had arrived. */
import { strict as assert } from "node:assert";
import { Acknowledgements } from "../../src/core/calls/acknowledgements.ts";

function open() {
  const done: string[] = [];
  return { done, messages: new Acknowledgements({ onDone: (id) => void done.push(id) }) };
}

Deno.test("a message that comes again is not done again, and acknowledged each time once it is done", async () => {
  const { done, messages } = open();
  const { promise, resolve } = Promise.withResolvers<void>();
  let count = 0;
  const work = () => {
    count++;
    return promise;
  };
  const first = messages.once("a", work);
  await messages.once("a", work);
  assert.deepEqual([count, done], [1, []], "nothing is acknowledged before it is done");
  resolve();
  await first;
  await messages.once("a", work);
  assert.deepEqual([count, done], [1, ["a", "a"]]);
});

Deno.test("what has no id is done each time, and what fails is over, too", async () => {
  const { done, messages } = open();
  let count = 0;
  const fail = () => {
    count++;
    throw new Error("No");
  };
  await assert.rejects(messages.once("a", fail), /No/);
  await messages.once("a", fail);
  assert.deepEqual([count, done], [1, ["a", "a"]]);
  for (let n = 0; n < 2; n++) await assert.rejects(messages.once(undefined, fail), /No/);
  assert.deepEqual([count, done.length], [3, 2]);
});

Deno.test("the newest 512 messages are remembered", async () => {
  const { messages } = open();
  const counts = new Map<string, number>();
  const take = (id: string) => messages.once(id, () => void counts.set(id, (counts.get(id) ?? 0) + 1));
  for (let n = 0; n < 513; n++) await take(`${n}`);
  for (const id of ["1", "512", "0"]) await take(id);
  assert.deepEqual(["1", "512", "0"].map((id) => counts.get(id)), [1, 1, 2]);
});
