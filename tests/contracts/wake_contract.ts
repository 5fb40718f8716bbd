/**
 * What every wake promises (`src/ports/wake.ts`).
 *
 * @module
 */
import { strict as assert } from "node:assert";
import type { Wake } from "../../src/ports/wake.ts";

/** Runs the contract. `settled` resolves when what was notified has arrived. */
export function testWake(name: string, open: () => Promise<Wake>, settled: () => Promise<void>): void {
  Deno.test(`wake, ${name}: listeners of a topic are called, others are not`, async () => {
    const wake = await open();
    const called: string[] = [];
    using _a = wake.subscribe("run:1", () => called.push("a"));
    using _b = wake.subscribe("run:1", () => called.push("b"));
    using _c = wake.subscribe("run:2", () => called.push("c"));
    wake.notify("run:1");
    wake.notify("run:3");
    await settled();
    assert.deepEqual(called.sort(), ["a", "b"]);
  });

  Deno.test(`wake, ${name}: nothing is called after it was disposed of`, async () => {
    const wake = await open();
    let first = 0, second = 0;
    const one = wake.subscribe("run:1", () => first++);
    using _two = wake.subscribe("run:1", () => second++);
    one[Symbol.dispose]();
    one[Symbol.dispose]();
    wake.notify("run:1");
    await settled();
    assert.deepEqual([first, second], [0, 1]);
  });

  Deno.test(`wake, ${name}: the same listener may be subscribed twice`, async () => {
    const wake = await open();
    let called = 0;
    const listener = () => void called++;
    using _one = wake.subscribe("run:1", listener);
    wake.subscribe("run:1", listener)[Symbol.dispose]();
    wake.notify("run:1");
    await settled();
    assert.equal(called, 1);
  });

  Deno.test(`wake, ${name}: a listener that throws does not hurt the others or the notifier`, async () => {
    const wake = await open();
    let called = 0;
    using _one = wake.subscribe("run:1", () => {
      throw new Error("It went wrong");
    });
    using _two = wake.subscribe("run:1", () => called++);
    wake.notify("run:1");
    await settled();
    assert.equal(called, 1);
  });

  Deno.test(`wake, ${name}: listeners may subscribe and dispose while they are called`, async () => {
    const wake = await open();
    let called = 0;
    const subscriptions: Disposable[] = [];
    const again = () => {
      called++;
      subscriptions.pop()?.[Symbol.dispose]();
      subscriptions.push(wake.subscribe("run:1", again));
    };
    subscriptions.push(wake.subscribe("run:1", again));
    for (let round = 1; round <= 3; round++) {
      wake.notify("run:1");
      await settled();
      assert.equal(called, round);
    }
    subscriptions.pop()?.[Symbol.dispose]();
  });
}
