/**
 * What tool servers are trusted with is worth nothing to who has the rows alone.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { rowsOf, runSql } from "../support/database.ts";
import { startServer } from "../support/server.ts";
import { askAdmin, createAgent, type Json, until } from "../support/story.ts";

/** A server of the older revision that answers only who knows both secrets. */
function startUpstream() {
  return Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
    if (request.method !== "POST") return new Response(null, { status: 405 });
    const known = new URL(request.url).searchParams.get("key") === "geheim-query" &&
      request.headers.get("x-thing") === "geheim-header";
    if (!known) return new Response(null, { status: 403 });
    const { id, method } = await request.json();
    if (id === undefined) return new Response(null, { status: 202 });
    const results: Record<string, unknown> = {
      initialize: {
        protocolVersion: "2025-11-25",
        capabilities: { tools: {} },
        serverInfo: { name: "web", version: "1" },
      },
      "tools/list": { tools: [{ name: "tell", inputSchema: { type: "object" } }] },
    };
    if (results[method]) return Response.json({ jsonrpc: "2.0", id, result: results[method] });
    return Response.json({ jsonrpc: "2.0", id, error: { code: -32601, message: "no such method" } });
  });
}

async function restarted(remove: (data_dir: string) => Promise<void>, see: (desk: Json) => Promise<void>) {
  await using upstream = startUpstream();
  const data_dir = await Deno.makeTempDir({ prefix: "muxi-sealed-" });
  const address = `http://127.0.0.1:${upstream.addr.port}/mcp`;
  const definition = { name: "web", url: `${address}?key=geheim-query`, headers: { "X-Thing": "geheim-header" } };
  const path = "/agents/butler/mcp_servers";
  try {
    {
      await using server = await startServer({ data_dir });
      await createAgent(server, "butler");
      await createAgent(server, "cook");
      assert.equal((await askAdmin(server, `POST ${path}`, { body: definition })).state, "ready");
      await askAdmin(server, "POST /agents/cook/mcp_servers", { body: { name: "web" } });
      await askAdmin(server, `POST ${path}`, {
        body: { name: "open", url: `${address}/open`, type: "streamable_http" },
      });
    }
    await remove(data_dir);
    const lines: string[] = [];
    await using server = await startServer({ data_dir, onLog: (line) => lines.push(line) });
    await see({ server, path, definition, address, lines });
  } finally {
    await Deno.remove(data_dir, { recursive: true });
  }
}

Deno.test("what is sealed is known again after a restart", async () => {
  await restarted(() => Promise.resolve(), async ({ server, path, lines }) => {
    await until("it is up", async () => (await askAdmin(server, `GET ${path}/web`)).state === "ready");
    assert.deepEqual(lines.filter((line: string) => line.includes("lost its secrets")), []);
  });
});

Deno.test("without the key servers stay, say what they lack, and are mended by giving it again", async () => {
  const remove = (data_dir: string) => Deno.remove(`${data_dir}/grants.key`);
  await restarted(remove, async ({ server, path, definition, address, lines }) => {
    const lost = await askAdmin(server, `GET ${path}/web`);
    assert.deepEqual([lost.state, lost.url], ["stopped", `${address}?[masked]`]);
    assert.match(lost.reason, /sealed with a key that is not here.* Define it again, with url, headers\.X-Thing$/);
    assert.doesNotMatch((await askAdmin(server, `GET ${path}/open`)).reason ?? "", /sealed/);
    await askAdmin(server, `POST ${path}/web/restart`, { body: {} });
    await createAgent(server, "maid");
    const warned = lines.filter((line: string) => line.includes("lost its secrets"));
    assert.equal(warned.length, 1, "told once, and of no other server");
    assert.match(warned[0], /headers\.X-Thing/);
    assert.equal((await askAdmin(server, `POST ${path}`, { body: definition })).state, "ready");
    assert.equal((await askAdmin(server, "GET /agents/cook/mcp_servers/web")).state, "ready");
  });
});

Deno.test("an agents' file that was not changed gives back what was lost, and changes nothing else", async () => {
  await using upstream = startUpstream();
  const data_dir = await Deno.makeTempDir({ prefix: "muxi-sealed-" });
  try {
    const file = `${data_dir}/agents.json`;
    const web = {
      name: "web",
      url: `http://127.0.0.1:${upstream.addr.port}/mcp?key=geheim-query`,
      headers: { "X-Thing": "geheim-header" },
    };
    const other = { ...web, name: "other", headers: { "X-Thing": "geheim-outdated" } };
    const agents = [
      { id: "butler", name: "Butler", mcp_servers: [web] },
      { id: "cook", name: "Cook", mcp_servers: [{ name: "web" }, other] },
    ];
    await Deno.writeTextFile(file, JSON.stringify({ agents }));
    const settings = { agents: { file } };
    {
      await using server = await startServer({ data_dir, settings });
      await askAdmin(server, "PATCH /agents/butler", { body: { description: "Changed since" } });
      await askAdmin(server, "POST /agents/cook/mcp_servers", { body: { ...web, name: "other" } });
    }
    await Deno.remove(`${data_dir}/grants.key`);
    const lines: string[] = [];
    await using server = await startServer({ data_dir, settings, onLog: (line) => lines.push(line) });
    await until("it is up", async () => {
      return (await askAdmin(server, "GET /agents/butler/mcp_servers/web")).state === "ready";
    });
    assert.equal((await askAdmin(server, "GET /agents/butler")).description, "Changed since");
    assert.equal((await askAdmin(server, "GET /agents/cook/mcp_servers/web")).state, "ready");
    const redefined = await askAdmin(server, "GET /agents/cook/mcp_servers/other");
    assert.match(redefined.reason, /Define it again/, "what came over the API since is not the file's to give");
    const warned = lines.filter((line) => line.includes("lost its secrets"));
    assert.deepEqual(warned.map((line) => /tool server \\"(\w+)/.exec(line)?.[1]), ["other"]);
  } finally {
    await Deno.remove(data_dir, { recursive: true });
  }
});

Deno.test("what was stored as it is in earlier days is sealed at the next start, once", async () => {
  await using upstream = startUpstream();
  const data_dir = await Deno.makeTempDir({ prefix: "muxi-sealed-" });
  const database = `${data_dir}/muxi.db`;
  const definition = {
    name: "web",
    url: `http://127.0.0.1:${upstream.addr.port}/mcp?key=geheim-query`,
    args: [],
    env: {},
    headers: { "X-Thing": "geheim-header" },
    credentials: [],
    elicitation: "ask",
    sampling: "deny",
  };
  try {
    {
      await using server = await startServer({ data_dir });
      await createAgent(server, "butler");
      await askAdmin(server, "POST /agents/butler/mcp_servers", { body: definition });
    }
    await runSql(database, "UPDATE mcp_servers SET definition = ?", [JSON.stringify(definition)]);
    assert.ok((await rowsOf(database)).some((row) => row.includes("geheim-header")));
    const sealed: number[] = [];
    for (let start = 1; start <= 2; start++) {
      const lines: string[] = [];
      await using server = await startServer({ data_dir, onLog: (line) => lines.push(line) });
      await until("it is up", async () => {
        return (await askAdmin(server, "GET /agents/butler/mcp_servers/web")).state === "ready";
      });
      sealed.push(lines.filter((line) => line.includes("Sealed what tool servers are trusted with")).length);
    }
    assert.deepEqual(sealed, [1, 0]);
    assert.deepEqual((await rowsOf(database)).filter((row) => row.includes("geheim")), []);
  } finally {
    await Deno.remove(data_dir, { recursive: true });
  }
});
