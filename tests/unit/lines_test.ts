/**
 * Standing in line.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { Lines } from "../../src/kit/lines.ts";

Deno.test("work of one key is done in order and one at a time, that of others meanwhile", async () => {
  const lines = new Lines();
  const done: string[] = [];
  const gate = Promise.withResolvers<void>();
  const work = (name: string, wait: Promise<void> = Promise.resolve()) => async () => {
    done.push(`${name} begins`);
    await wait;
    done.push(`${name} ends`);
    return name;
  };
  const first = lines.run("a", work("a1", gate.promise));
  const second = lines.run("a", work("a2"));
  assert.equal(await lines.run("b", work("b")), "b");
  gate.resolve();
  assert.deepEqual(await Promise.all([first, second]), ["a1", "a2"]);
  assert.deepEqual(done, ["a1 begins", "b begins", "b ends", "a1 ends", "a2 begins", "a2 ends"]);
});

Deno.test("a failure is its own asker's alone", async () => {
  const lines = new Lines();
  const failing = lines.run("a", () => Promise.reject(new Error("no")));
  const next = lines.run("a", () => Promise.resolve("yes"));
  await assert.rejects(failing, /no/);
  assert.equal(await next, "yes");
});
