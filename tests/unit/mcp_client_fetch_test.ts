import { strict as assert } from "node:assert";
import { NotSent } from "../../src/adapters/mcp/ending.ts";
import { createServerFetch } from "../../src/adapters/mcp/server_fetch.ts";

const nothing = { headers: {}, query: {}, env: {}, secrets: [] };

Deno.test("what a server names for signing in is asked over https alone, unless both are this machine", async () => {
  const far = createServerFetch(new URL("https://tools.example/mcp"), nothing, new Set());
  for (const address of ["http://10.0.0.1/", "http://169.254.169.254/latest", "http://127.0.0.1:8000/"]) {
    await assert.rejects(far(address), NotSent, address);
  }
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, () => new Response("here"));
  const near = createServerFetch(new URL("http://localhost:1/mcp"), nothing, new Set());
  assert.equal(await (await near(`http://127.0.0.1:${server.addr.port}/`)).text(), "here");
});

Deno.test("a server's secrets go to no other", async () => {
  const seen: (string | null)[] = [];
  const handler = ({ headers, url }: Request) => {
    seen.push(headers.get("x-key"), new URL(url).search);
    return new Response();
  };
  await using own = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, handler);
  await using other = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, handler);
  const address = ({ addr: { port } }: typeof own) => new URL(`http://127.0.0.1:${port}/`);
  const secrets = { ...nothing, headers: { "X-Key": "secret" }, query: { token: "secret" } };
  const serverFetch = createServerFetch(address(own), secrets, new Set());
  await (await serverFetch(address(own))).body?.cancel();
  await (await serverFetch(address(other))).body?.cancel();
  assert.deepEqual(seen, ["secret", "?token=secret", null, ""]);
});
