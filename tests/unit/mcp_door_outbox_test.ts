import { strict as assert } from "node:assert";
import { Outbox } from "../../src/transports/mcp/outbox.ts";

const progress = (progress: number) => ({
  jsonrpc: "2.0" as const,
  method: "notifications/progress",
  params: { progress, progressToken: 1 },
});
const answer = (id: number, text = "") => ({ jsonrpc: "2.0" as const, id, result: { text } });

Deno.test("what is pushed is read in its order, before and after somebody waits", async () => {
  const outbox = new Outbox(() => assert.fail("nothing overflows"));
  outbox.push(answer(1));
  outbox.push(answer(2));
  assert.equal(outbox.size, 2);
  const ids: number[] = [];
  const reading = (async () => {
    for await (const { data } of outbox) ids.push(JSON.parse(data).id);
  })();
  await Promise.resolve();
  outbox.push(answer(3));
  outbox.end();
  outbox.push(answer(4));
  await reading;
  assert.deepEqual(ids, [1, 2, 3]);
});

Deno.test("a slow reader loses progress, and no answer", async () => {
  const outbox = new Outbox(() => assert.fail("nothing overflows"));
  for (let i = 0; i < 5000; i++) outbox.push(progress(i));
  assert.equal(outbox.size, 500);
  for (let i = 0; i < 400; i++) outbox.push(answer(i));
  outbox.end();
  const answers: number[] = [];
  for await (const { data } of outbox) if ("id" in JSON.parse(data)) answers.push(JSON.parse(data).id);
  assert.deepEqual(answers, Array.from({ length: 400 }, (_, id) => id));
});

Deno.test("who reads nothing at all is cut off, by messages and by size", () => {
  for (const [text, most] of [["", 1001], ["x".repeat(3_000_000), 3]] as const) {
    let isOver = false;
    const outbox = new Outbox(() => isOver = true);
    let count = 0;
    while (!isOver && count < 2000) outbox.push(answer(count++, text));
    assert.equal(count, most);
  }
});
