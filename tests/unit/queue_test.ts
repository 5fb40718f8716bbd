import { strict as assert } from "node:assert";
import { Queue } from "../../src/kit/queue.ts";

Deno.test("a full queue loses the oldest or the newest, and counts", async () => {
  const oldest = new Queue<number>({ capacity: 2, overflow: "drop_oldest" });
  assert.deepEqual([1, 2, 3].map((item) => oldest.push(item)), [true, true, false]);
  const newest = new Queue<number>({ capacity: 2, overflow: "drop_newest" });
  assert.deepEqual([1, 2, 3].map((item) => newest.push(item)), [true, true, false]);
  oldest.end();
  newest.end();
  assert.deepEqual(await Array.fromAsync(oldest), [2, 3]);
  assert.deepEqual(await Array.fromAsync(newest), [1, 2]);
  assert.deepEqual([oldest.dropped, newest.dropped], [1, 1]);
});

Deno.test("what comes while the consumer waits is given at once, in order", async () => {
  const queue = new Queue<number>({ capacity: 4, overflow: "drop_oldest" });
  const taken: number[] = [];
  const consumer = (async () => {
    for await (const item of queue) taken.push(item);
  })();
  for (let i = 0; i < 10; i++) {
    queue.push(i);
    await new Promise((resolve) => setTimeout(resolve));
  }
  queue.end();
  await consumer;
  assert.deepEqual(taken, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.equal(queue.dropped, 0);
});

Deno.test("a consumer that leaves ends the queue, and nothing is held", async () => {
  const queue = new Queue<number>({ capacity: 4, overflow: "drop_oldest" });
  queue.push(1);
  queue.push(2);
  for await (const _ of queue) break;
  assert.equal(queue.ended, true);
  assert.equal(queue.push(3), false);
  assert.equal(queue.size, 0);
});

Deno.test("a failure is told after what waits", async () => {
  const queue = new Queue<number>({ capacity: 4, overflow: "drop_oldest" });
  queue.push(1);
  queue.fail(new Error("over"));
  const taken: number[] = [];
  await assert.rejects(async () => {
    for await (const item of queue) taken.push(item);
  }, /over/);
  assert.deepEqual(taken, [1]);
});

Deno.test("clearing forgets what waits without counting it as lost", () => {
  const queue = new Queue<number>({ capacity: 3, overflow: "drop_oldest" });
  for (let i = 0; i < 5; i++) queue.push(i);
  assert.equal(queue.clear(), 3);
  assert.equal(queue.size, 0);
  assert.equal(queue.dropped, 2);
});

Deno.test("a queue that is always full keeps its size over many items", () => {
  const queue = new Queue<number>({ capacity: 3, overflow: "drop_oldest" });
  for (let i = 0; i < 100_000; i++) queue.push(i);
  assert.equal(queue.size, 3);
  assert.equal(queue.dropped, 99_997);
});

Deno.test("a queue without room can't be made", () => {
  assert.throws(() => new Queue({ capacity: 0, overflow: "drop_oldest" }), /capacity 0/);
});
