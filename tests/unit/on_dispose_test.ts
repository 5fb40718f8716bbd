import { strict as assert } from "node:assert";
import { onDispose } from "../../src/kit/on_dispose.ts";

Deno.test("a task is done when it is disposed, once, also where it throws", () => {
  let done = 0;
  const disposable = onDispose(() => {
    done++;
    throw new Error("no");
  });
  assert.equal(done, 0);
  assert.throws(() => disposable[Symbol.dispose](), { message: "no" });
  disposable[Symbol.dispose]();
  assert.equal(done, 1);
});
