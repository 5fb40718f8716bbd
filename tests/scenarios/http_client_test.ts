/**
 * What the typed client sends, as a server sees it.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { createClient } from "../../src/client.ts";
import { agentList } from "../../src/operations/agents.ts";
import { healthLive } from "../../src/operations/system.ts";
import { toolCall } from "../../src/operations/tools.ts";
import { ADMIN_KEY, startServer, USER_KEY } from "../support/server.ts";
import { scriptedToolbox } from "../support/toolbox.ts";

Deno.test("a client without a key shows none: what is public is open, the rest asks for a key", async () => {
  await using server = await startServer();
  const client = createClient({ url: server.url, key: "" });
  assert.equal((await client.call(healthLive, {})).status, "ok");
  await assert.rejects(client.call(agentList, {}), { name: "UnauthorizedError", message: /without a key/ });
  const known = createClient({ url: server.url, key: USER_KEY });
  assert.ok((await known.call(agentList, {})).data.length > 0);
});

Deno.test("a tool call that is streamed is made once, and is over when its stream ends", async () => {
  const toolbox = scriptedToolbox({ ring: { act: () => ({ result: "rung", is_error: false }) } });
  await using server = await startServer({ ports: { toolbox } });
  const client = createClient({ url: server.url, key: ADMIN_KEY });
  let items = 0;
  for await (const _ of await client.stream(toolCall, { tool_name: "ring", arguments: {} }) ?? []) {
    if (++items > 2) break;
  }
  assert.equal(items, 1);
  assert.equal(toolbox.calls.length, 1);
});
