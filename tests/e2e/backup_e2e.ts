/**
 * A backup while the server runs, which a Worker makes, and its restoration elsewhere.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { serve } from "./support/server.ts";
import { everybody } from "./support/story.ts";

await everybody("a backup of a running server comes back in another folder", async (place) => {
  const env = { MUXI_USER_API_KEY: "sk_muxi_user_of_this_story_012345678" };
  let conversation_id: string;
  {
    await using server = await serve(place, { env });
    ({ conversation_id } = await (await server.request("/api/v1/chat", { message: "Keep the heron" })).json());
    const backup = await place.run(["backup", "my backup"]);
    assert.equal(backup.code, 0, backup.stderr);
    assert.equal((await server.end("SIGTERM")).code, 0);
  }
  const again = await place.run(["backup", "my backup"]);
  assert.equal(again.code, 73);
  const restore = await place.run(["restore", "my backup", "--data-dir", "elsewhere"]);
  assert.equal(restore.code, 0, restore.stderr);
  await using server = await serve(place, { env, args: ["--data-dir", "elsewhere"] });
  const messages = await (await server.request(`/api/v1/conversations/${conversation_id}/messages`)).text();
  assert.ok(messages.includes("Keep the heron"), messages);
});
