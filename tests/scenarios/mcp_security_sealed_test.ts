/**
 * What tool servers are trusted with is worth nothing to who has the rows alone.
 *
 * @module
 */
import { strict as assert } from "node:assert";
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
