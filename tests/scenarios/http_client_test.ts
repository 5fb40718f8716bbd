/**
 * What the typed client sends, as a server sees it.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { createClient } from "../../src/client.ts";
import { agentList } from "../../src/operations/agents.ts";
import { healthLive } from "../../src/operations/system.ts";
import { startServer, USER_KEY } from "../support/server.ts";

Deno.test("a client without a key shows none: what is public is open, the rest asks for a key", async () => {
  await using server = await startServer();
  const client = createClient({ url: server.url, key: "" });
  assert.equal((await client.call(healthLive, {})).status, "ok");
  await assert.rejects(client.call(agentList, {}), { name: "UnauthorizedError", message: /without a key/ });
  const known = createClient({ url: server.url, key: USER_KEY });
  assert.ok((await known.call(agentList, {})).data.length > 0);
});
