/**
 * The newest events of a run in memory, and who follows them.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { Tail } from "../../src/core/journal/tail.ts";
import type { RunEvent } from "../../src/domain/event.ts";

function events(from: number, to: number, size = 10): RunEvent[] {
  return Array.from({ length: to - from + 1 }, (_, i) => ({
    run_id: "run_1",
    seq: from + i,
    type: "model.delta",
    data: "x".repeat(size),
  }));
}

const seqs = (found: RunEvent[] | undefined) => found?.map(({ seq }) => seq);

Deno.test("a tail gives exactly what follows a cursor, or says that it does not reach back", () => {
  const tail = new Tail(4);
  assert.deepEqual(seqs(tail.after(4)), []);
  assert.equal(tail.after(3), undefined);
  tail.push(events(5, 8));
  assert.deepEqual(seqs(tail.after(4)), [5, 6, 7, 8]);
  assert.deepEqual(seqs(tail.after(7)), [8]);
  assert.deepEqual(seqs(tail.after(8)), []);
  assert.equal(tail.after(3), undefined);
  assert.equal(tail.last, 8);
});

Deno.test("what is known already is skipped, and after a gap the ring begins anew", () => {
  const tail = new Tail(0);
  tail.push(events(1, 5));
  tail.push(events(3, 7));
  assert.deepEqual(seqs(tail.after(0)), [1, 2, 3, 4, 5, 6, 7]);
  tail.push(events(10, 11));
  assert.deepEqual(seqs(tail.after(9)), [10, 11]);
  assert.equal(tail.after(7), undefined, "8 and 9 have to be read from the store");
});

Deno.test("a tail stays small, in events and in characters, and keeps the newest", () => {
  const many = new Tail(0);
  many.push(events(1, 10_000));
  const kept = 10_000 - Array.from({ length: 10_001 }, (_, i) => i).find((cursor) => many.after(cursor))!;
  assert.ok(kept > 0 && kept <= 256, `${kept}`);
  const large = new Tail(0);
  large.push(events(1, 100, 10_000));
  assert.ok(large.after(94) !== undefined);
  assert.equal(large.after(80), undefined);
  const huge = new Tail(0);
  huge.push(events(1, 1, 1_000_000));
  assert.deepEqual(seqs(huge.after(0)), [1], "the newest is kept whatever its size");
});

Deno.test("each who waits is woken once, and who left is not", () => {
  const tail = new Tail(0);
  const woken: string[] = [];
  const [a, b] = [() => woken.push("a"), () => woken.push("b")];
  tail.wait(a);
  tail.wait(b);
  tail.leave(b);
  assert.equal(tail.awaited, true);
  tail.push(events(1, 1));
  tail.push(events(2, 2));
  assert.deepEqual(woken, ["a"]);
  assert.equal(tail.awaited, false);
});
