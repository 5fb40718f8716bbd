/**
 * The server is killed while it answers.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { readFrames, streamFrames } from "../support/events.ts";
import { startProvider } from "../support/provider.ts";
import { serve } from "./support/server.ts";
import { everybody } from "./support/story.ts";

await everybody("a run that a kill cut off goes on at the next start, and its reader misses nothing", async (place) => {
  // Slow enough for the kill to come before its last token.
  const slow = { tokens: 1000, delay: 100 };
  await using provider = await startProvider({ script: [slow, { tokens: ["All ", "of ", "it."] }] });
  const env = { MUXI_USER_API_KEY: "sk_muxi_user_of_this_story_012345678", OPENAI_BASE_URL: provider.url };
  const online = { env: { ...env, MODEL_PROVIDER: "openai", MUXI_RUNS_LEASE_SECONDS: "2" } };
  let run_id = "";
  let seen = 0;
  {
    await using server = await serve(place, online);
    for await (const frame of streamFrames(await server.request("/api/v1/chat/stream", { message: "Say all" }))) {
      run_id ||= frame.data.run_id;
      seen = frame.id ?? seen;
      if (frame.type === "model.delta") break;
    }
    assert.equal((await server.end("SIGKILL")).signal, "SIGKILL");
  }
  await using server = await serve(place, online);
  const rest = await readFrames(
    await server.request(`/api/v1/runs/${run_id}/events`, undefined, {
      accept: "text/event-stream",
      "last-event-id": String(seen),
    }),
  );
  assert.equal(rest[0]!.id, seen + 1);
  assert.ok(rest.some(({ type }) => type === "step.restarted"));
  assert.equal(rest.at(-1)!.type, "run.completed");
  assert.equal(rest.at(-1)!.data.message.content, "All of it.");
});
