/**
 * The server from its banner to its last signal.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { readFrames } from "../support/events.ts";
import { openPlace } from "./support/place.ts";
import { serve } from "./support/server.ts";
import { everybody } from "./support/story.ts";

await everybody("a first start answers, streams, resumes, stops when told and remembers", async (place) => {
  const env = { MUXI_USER_API_KEY: "sk_muxi_user_of_this_story_012345678" };
  let conversation_id: string;
  {
    await using server = await serve(place);
    assert.match(server.banner, /Version: \d/);
    assert.ok(server.banner.includes(server.url));
    assert.match(server.key, /^sk_muxi_user_/);
    assert.equal((await server.request("/api/v1/conversations", undefined, { authorization: "" })).status, 401);
    assert.deepEqual(await server.end("SIGINT"), { code: 0, signal: null });
  }
  {
    await using server = await serve(place, { env });
    for (const path of ["/health/live", "/health/ready"]) {
      const health = await server.request(path);
      assert.equal(health.status, 200);
      await health.body?.cancel();
    }
    const answer = await (await server.request("/api/v1/chat", { message: "Remember the heron" })).json();
    assert.equal(answer.status, "completed");
    conversation_id = answer.conversation_id;
    const streamed = await readFrames(await server.request("/api/v1/chat/stream", { message: "Hello" }));
    assert.deepEqual(streamed.map(({ id }) => id), streamed.map((_, index) => index + 1));
    assert.equal(streamed.at(-1)!.type, "run.completed");
    const path = `/api/v1/runs/${streamed[0]!.data.run_id}/events`;
    const headers = { accept: "text/event-stream", "last-event-id": "2" };
    assert.deepEqual(await readFrames(await server.request(path, undefined, headers)), streamed.slice(2));
    assert.deepEqual(await server.end("SIGTERM"), { code: 0, signal: null });
  }
  await using server = await serve(place, { env });
  const { data } = await (await server.request(`/api/v1/conversations/${conversation_id}/messages`)).json();
  assert.ok(JSON.stringify(data).includes("Remember the heron"));
  // An administrator's hang-up reads the settings anew and ends nothing.
  Deno.kill(server.pid, "SIGHUP");
  while (!server.log().includes("Read the settings anew")) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal((await server.request("/health/live").then((response) => response.json())).status, "ok");
  assert.equal((await server.end("SIGTERM")).code, 0);
});

Deno.test("a port that is taken is told as such, with an exit code after which trying again makes sense", async () => {
  await using place = await openPlace();
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { code, stderr } = await place.run(["serve", "--port", String((listener.addr as Deno.NetAddr).port)]);
  assert.equal(code, 69);
  assert.match(stderr, /the port is taken/);
});
