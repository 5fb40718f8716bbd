/**
 * A tool server of a stranger, held by what comes with the program and nothing else.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { assertNoOwnFolders, processesOf } from "../support/mcp_servers_left.ts";
import { PROGRAM } from "../support/mcp_servers_program.ts";
import { until } from "../support/story.ts";
import { BOX, findTool } from "./support/place.ts";
import { serve } from "./support/server.ts";
import { everybody } from "./support/story.ts";

const ADMIN = { authorization: "Bearer sk_muxi_admin_of_this_story_0123456" };

await everybody("a script that speaks MCP answers an agent, sees nothing it isn't allowed, and goes", async (place) => {
  const script = `${place.cwd}/tools.mjs`;
  await Deno.writeTextFile(script, PROGRAM);
  await using server = await serve(place, {
    env: {
      MUXI_USER_API_KEY: "sk_muxi_user_of_this_story_012345678",
      MUXI_ADMIN_API_KEY: ADMIN.authorization.slice("Bearer ".length),
      MCP_SERVERS: JSON.stringify({ mcpServers: { tools: { command: "node", args: [script] } } }),
    },
  });
  const agent = { id: "clerk", name: "Clerk", mcp_servers: [{ name: "tools" }], allowed_tools: ["tools__*"] };
  assert.equal((await server.request("/api/v1/agents", agent, ADMIN)).status, 201);
  const view = await until("it is ready", async () => {
    const found = await (await server.request("/api/v1/agents/clerk/mcp_servers/tools", undefined, ADMIN)).json();
    assert.ok(["connecting", "ready"].includes(found.state), found.reason);
    return found.state === "ready" ? found : undefined;
  });
  assert.equal(view.sandbox.tier, await findTool("bwrap") === undefined ? "broker" : "full");
  const chat = async (message: string) => {
    const { status, message: said } = await (await server.request("/api/v1/agents/clerk/chat", { message })).json();
    assert.equal(status, "completed");
    return said.content;
  };
  assert.match(await chat("Call tools__greet"), /Hello from the program/);
  const denied = await chat(`Call tools__read with path="/etc/passwd"`);
  assert.match(denied, /policy .*default.* does not allow reading .*\/etc\/passwd.*: add it to sandbox\.read/);
  assert.doesNotMatch(denied, /root:/);

  // What runs it came with the file, since there is no other Deno on the path.
  const deno = BOX === undefined ? Deno.execPath() : `${place.home}/.cache/muxi/`;
  const programs = await processesOf(script);
  assert.ok(programs.some((line) => line.includes(deno)), programs.join("\n"));
  assert.deepEqual(await server.end("SIGTERM"), { code: 0, signal: null });
  assert.deepEqual(await processesOf(script), []);
  await assertNoOwnFolders(place.tmp);
});
