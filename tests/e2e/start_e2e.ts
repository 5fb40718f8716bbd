/**
 * How long it takes from the start to the first 200. Prints the figure; how fast a machine is decides no test.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { freePort } from "../support/free_port.ts";
import { BOX, openPlace } from "./support/place.ts";

const ROUNDS = 5;

/** Polls until the server at `url` is healthy, or `over` says that it never will be. */
async function untilHealthy(url: string, over: () => boolean): Promise<void> {
  while (!over()) {
    const response = await fetch(`${url}/health/live`).catch(() => undefined);
    await response?.body?.cancel();
    if (response?.status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  assert.fail("The server ended before it answered");
}

Deno.test("every start ends in an answer", async () => {
  await using place = await openPlace();
  const times: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const port = freePort();
    const begun = performance.now();
    const child = place.spawn(["serve", "--port", String(port)]);
    let over = false;
    const ended = child.output().then(({ code }) => (over = true, code));
    await untilHealthy(`http://127.0.0.1:${port}`, () => over);
    times.push(performance.now() - begun);
    child.kill("SIGTERM");
    assert.equal(await ended, 0);
  }
  const [first, ...rest] = times.map(Math.round);
  const median = rest.toSorted((a, b) => a - b)[ROUNDS >> 1];
  const what = BOX === undefined ? "the sources" : "the built file";
  Deno.stdout.writeSync(new TextEncoder().encode(
    `\n  start to first 200 of ${what}: first ${first} ms, then ${rest.join(", ")} ms (median ${median} ms)\n`,
  ));
});
