/**
 * Two servers that are started at once on a machine that has never seen the program.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { serve } from "./support/server.ts";
import { everybody } from "./support/story.ts";

await everybody("two servers start at once for the first time, and a third finds its data in use", async (place) => {
  const servers = await Promise.all(["one", "other"].map((data) => serve(place, { args: ["--data-dir", data] })));
  await using stack = new AsyncDisposableStack();
  for (const server of servers) stack.use(server);
  for (const server of servers) {
    const answer = await (await server.request("/api/v1/chat", { message: "Hello" })).json();
    assert.equal(answer.status, "completed");
  }
  const third = await place.run(["serve", "--port", "0", "--data-dir", "other"]);
  assert.equal(third.code, 69, third.stderr);
  assert.match(third.stderr, /Cannot use the data folder "other": process \d+ uses it/);
  for (const server of servers) assert.deepEqual(await server.end("SIGTERM"), { code: 0, signal: null });
});
