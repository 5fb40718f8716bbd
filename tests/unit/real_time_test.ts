/**
 * What fails in real time is told again only where the machine stood still.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { realTime, tellInRealTime, watchMachine } from "../support/real_time.ts";
import { InVain, Waiting, within } from "../support/waiting.ts";

/** Fails as often as told, on a machine that stands still for so long or lacks time. Resolves with what came of it. */
async function tell({ failures, still_ms, stolen = 0 }: { failures: number; still_ms: number; stolen?: number }) {
  const notes: string[] = [];
  let [told, watched] = [0, 0];
  const story = () => ++told > failures ? Promise.resolve() : Promise.reject(new Error("It was not understood"));
  const watch = () => {
    watched++;
    return Promise.resolve({
      most: () => Promise.resolve(still_ms),
      stolen: () => Promise.resolve(stolen),
      [Symbol.dispose]: () => void watched--,
    });
  };
  const failure = await tellInRealTime(story, { watch, note: (text) => void notes.push(text) }).then(
    () => null,
    ({ message }: Error) => message,
  );
  assert.equal(watched, 0, "nobody watches any more");
  return { told, notes, failure };
}

Deno.test("on a machine that runs, what fails has failed", async () => {
  const { told, notes, failure } = await tell({ failures: 1, still_ms: 80, stolen: 0.1 });
  assert.deepEqual({ told, notes, failure }, { told: 1, notes: [], failure: "It was not understood" });
});

Deno.test("on a machine that stood still it is told again, and that is said", async () => {
  const { told, notes, failure } = await tell({ failures: 1, still_ms: 900 });
  assert.deepEqual([told, failure], [2, null]);
  assert.deepEqual(notes, [
    "The machine stood still for 900 ms and lacked 0 % of its time. Again, after: Error: It was not understood",
  ]);
});

Deno.test("on a machine that lacked much of its time it is told again", async () => {
  const { told, failure } = await tell({ failures: 1, still_ms: 80, stolen: 0.3 });
  assert.deepEqual([told, failure], [2, null]);
});

Deno.test("what fails each time has failed, wherever that is", async () => {
  const { told, failure } = await tell({ failures: 9, still_ms: 900 });
  assert.deepEqual([told, failure], [3, "It was not understood"]);
});

Deno.test("where nothing comes, it counts how the machine stood when something still could", async () => {
  const since = 1_800_000_000_000;
  const asked: unknown[] = [];
  const watch = () =>
    Promise.resolve({
      most: (span: unknown) => (asked.push(span), Promise.resolve(0)),
      stolen: () => Promise.resolve(0),
      [Symbol.dispose]() {},
    });
  for (const thrown of [new InVain("Waited in vain", { since }), new Error("It was not understood")]) {
    await assert.rejects(tellInRealTime(() => Promise.reject(thrown), { watch }), thrown);
  }
  assert.deepEqual(asked, [{ until: since + 20_000 }, {}]);
});

Deno.test("since when nothing comes is known of whoever is told, and of whoever only waits", async () => {
  const waiting = new Waiting();
  const told = setTimeout(() => waiting.told(), 100);
  const began = Date.now();
  const vain = async (wait: Promise<unknown>) => {
    const error = await wait.then(() => null, (error) => error);
    assert.ok(error instanceof InVain, String(error));
    return error.since - began;
  };
  const options = { patience_ms: 300 };
  const [heard, waited] = await Promise.all([
    vain(waiting.until("more", () => false, options)),
    vain(within("anything", new Promise(() => {}), options)),
  ]);
  clearTimeout(told);
  assert.ok(waited < heard, `${waited} and ${heard} ms`);
});

Deno.test("what part of its time a machine lacked is a part", async () => {
  using watch = await watchMachine();
  for (const end = performance.now() + 100; performance.now() < end;);
  const stolen = await watch.stolen();
  assert.ok(stolen >= 0 && stolen <= 1, String(stolen));
});

realTime({
  name: "a process that is held up sees it, and one whose own loop is busy does not",
  async fn() {
    const program = `
      const { watchMachine } = await import(${JSON.stringify(import.meta.resolve("../support/real_time.ts"))});
      using watch = await watchMachine();
      for (const end = performance.now() + 2000; performance.now() < end;);
      const busy = await watch.most();
      const before = Date.now();
      console.log(busy);
      await Deno.stdin.read(new Uint8Array(1));
      console.log(await watch.most({ until: before }), await watch.most({ from: before + 3_600_000 }), await watch.most());
    `;
    const args = ["eval", "--no-lock", program];
    const child = new Deno.Command(Deno.execPath(), { args, stdin: "piped", stdout: "piped" }).spawn();
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const busy = Number((await reader.read()).value);
    child.kill("SIGSTOP");
    await new Promise((resolve) => setTimeout(resolve, 1500));
    child.kill("SIGCONT");
    await child.stdin.close();
    const [before, after, held] = (await reader.read()).value!.split(" ").map(Number) as [number, number, number];
    await reader.cancel();
    await child.status;
    assert.ok(busy < 1000 && before < 1000 && held >= 1000, `${busy}, ${before} and ${held} ms`);
    assert.equal(after, 0);
  },
});
