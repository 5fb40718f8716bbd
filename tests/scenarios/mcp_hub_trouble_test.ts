/**
 * Tool servers that are not ready: who hears of it, and what goes on without them.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { McpFailure } from "../../src/domain/mcp_server.ts";
import { failure, resource, scriptedConnector, ScriptedServer } from "../support/mcp_hub_connector.ts";
import { muxi } from "../support/muxi.ts";
import { ADMIN_KEY, startServer, USER_KEY } from "../support/server.ts";
import { ask, askAdmin, createAgent, type Json, until } from "../support/story.ts";

const MINE = { url: "https://user:geheim@tools.internal:8443/mcp?key=of-the-address" };

function refusing(): ScriptedServer {
  const script = new ScriptedServer();
  script.connecting = () => {
    const why = "it answered with HTTP 401 at https://tools.internal:8443/mcp (10.1.2.3:8443): geheim-123 expired";
    return Promise.reject(new McpFailure("unauthorized", `Cannot connect to "broken": ${why}`, { sent: false }));
  };
  return script;
}

async function house(scripts: Record<string, ScriptedServer>) {
  const ports = { connector: scriptedConnector(scripts) };
  return await startServer({ ports, settings: { tools: { health_seconds: 1 } } });
}

Deno.test("whoever lists tools hears which servers are not ready, and nothing that is not theirs to know", async () => {
  await using server = await house({ clock: new ScriptedServer(), broken: refusing() });
  const headers = { authorization: "Bearer geheim-123" };
  await createAgent(server, "butler", { mcp_servers: [{ name: "broken", ...MINE, headers }] });
  await createAgent(server, "maid", { mcp_servers: [{ name: "clock", url: "https://clock.test" }] });
  const { data, servers } = await ask(server, "GET /tools");
  assert.deepEqual(data.map(({ name }: Json) => name), ["clock__echo"]);
  assert.deepEqual(servers.map(({ name, state }: Json) => [name, state]), [["broken", "stopped"]]);
  assert.match(servers[0].reason, /HTTP 401 .*expired/);
  assert.doesNotMatch(servers[0].reason, /geheim|internal|10\.1|8443/);
  assert.deepEqual((await ask(server, "GET /tools?server=clock")).servers, []);
  const alone = await ask(server, "GET /tools?server=broken");
  assert.deepEqual([alone.data.length, alone.servers.length], [0, 1]);
  assert.deepEqual((await ask(server, "GET /tools?agent_id=maid")).servers, []);
  assert.equal((await ask(server, "GET /tools?agent_id=butler")).servers.length, 1);
});

Deno.test("a call of a server whose tools nobody has seen yet fails with why, for those who may use it", async () => {
  await using server = await house({ broken: refusing() });
  await createAgent(server, "butler", {
    mcp_servers: [{ name: "broken", url: "https://broken.test" }],
    allowed_tools: ["broken__*"],
  });
  await createAgent(server, "maid", { allowed_tools: ["*"] });
  const call = (route: string, status: number, body: Json = {}) => askAdmin(server, route, { body, status });
  const refused = await call("POST /tools/broken__now/call", 502);
  assert.equal(refused.error, "UpstreamError");
  assert.match(
    refused.message,
    /^Cannot call tool "broken__now": tool server "broken" is not ready \(stopped\): .*401/,
  );
  assert.equal(refused.details.server, "broken");
  await askAdmin(server, "GET /tools/broken__now", { status: 502 });
  await call("POST /tools/broken__now/invoke", 502, { agent_id: "butler" });
  await call("POST /tools/broken__now/invoke", 404, { agent_id: "maid" });
  await call("POST /tools/brokenly__now/call", 404);
});

Deno.test("a call tries a server at once whose tools nobody has seen yet, unless it failed too often", async () => {
  const script = refusing();
  await using server = await house({ broken: script });
  await createAgent(server, "butler", { mcp_servers: [{ name: "broken", url: "https://broken.test" }] });
  const call = async () =>
    (await server.request("POST", "/tools/broken__echo/call", { key: ADMIN_KEY, body: {} })).status;
  await ask(server, "GET /tools");
  const before = script.connects;
  assert.deepEqual([await call(), script.connects], [502, before + 1]);
  script.connecting = () => Promise.resolve();
  assert.deepEqual([await call(), script.connects], [200, before + 2]);
  assert.equal(script.calls.length, 1);
});

Deno.test("on the command line, a server that is not ready is a line under the table", async () => {
  await using server = await house({ broken: refusing(), clock: new ScriptedServer() });
  await createAgent(server, "butler", {
    mcp_servers: [{ name: "broken", url: "https://broken.test" }, { name: "clock", url: "https://clock.test" }],
  });
  const env = { MUXI_URL: server.url, MUXI_KEY: USER_KEY };
  const { code, out, err } = await muxi(["tools", "list"], { env });
  assert.deepEqual([code, out.includes("clock__echo")], [0, true]);
  assert.match(err, /^servers: broken: stopped: .*HTTP 401/m);
  const json = JSON.parse((await muxi(["tools", "list", "--json"], { env })).out);
  assert.equal(json.servers[0].name, "broken");
});

Deno.test("a list that can't be read hides none of the others, and is read when it can be", async () => {
  const script = new ScriptedServer();
  let reads = 0;
  script.listingResources = () => {
    reads++;
    return Promise.reject(failure("refused", { code: -32603 }));
  };
  script.resources = [resource("file:///a")];
  script.prompts = [{ name: "greet", arguments: [] }];
  await using server = await house({ odd: script });
  await createAgent(server, "butler", { mcp_servers: [{ name: "odd", url: "https://odd.test" }] });
  const view = () => askAdmin(server, "GET /agents/butler/mcp_servers/odd");
  const degraded = await until("its lists were read", async () => {
    const now = await view();
    return now.state === "degraded" ? now : undefined;
  });
  assert.deepEqual([degraded.tools.length, degraded.resources, degraded.prompts], [1, 0, 1]);
  assert.ok(reads >= 1 && reads <= 3, `it was read ${reads} times`);
  assert.match(degraded.reason, /It is refused/);
  assert.equal((await ask(server, "GET /tools")).servers[0].state, "degraded");
  script.listingResources = () => Promise.resolve();
  const ready = await until("it is well again", async () => {
    const now = await view();
    return now.state === "ready" ? now : undefined;
  });
  assert.deepEqual([ready.resources, ready.prompts], [1, 1]);
});
