/**
 * Identifiers.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { createId, toTimeText } from "../../src/kit/id.ts";

Deno.test("identifiers rise strictly, also within one millisecond, and never repeat", () => {
  const ids = Array.from({ length: 20_000 }, () => createId("run"));
  assert.equal(new Set(ids).size, ids.length);
  assert.deepEqual(ids.toSorted(), ids);
  for (const id of ids.slice(0, 100)) assert.match(id, /^run_[0-9a-hjkmnp-tv-z]{26}$/);
});

Deno.test("identifiers made later come later, and stand at their time", () => {
  const now = Date.now();
  assert.ok(createId("x").slice(2) >= toTimeText(now));
  for (const [a, b] of [[0, 1], [31, 32], [1023, 1024], [now - 1, now], [now, now + 86_400_000]] as const) {
    assert.ok(toTimeText(a) < toTimeText(b), `${a} ${b}`);
    assert.equal(toTimeText(a).length, 10);
  }
});

Deno.test("the clock may go back without an identifier doing so", () => {
  const real = Date.now;
  const before = createId("x");
  try {
    Date.now = () => real() - 60_000;
    assert.ok(createId("x") > before);
  } finally {
    Date.now = real;
  }
});
