import { strict as assert } from "node:assert";
import { heldMemory } from "../support/memory.ts";
import { connect, createClient, modern, USER_KEY } from "../support/mcp_door.ts";
import { INITIALIZE, legacy, open, ping, statusOf } from "../support/mcp_legacy.ts";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { send } from "../support/raw.ts";
import { startServer, testSettings } from "../support/server.ts";
import { movableClock, until } from "../support/story.ts";
import { scriptedToolbox } from "../support/toolbox.ts";
import { OTHER_KEY, startWorld, tokenOf } from "../support/world.ts";

Deno.test("strangers and wrong keys get nothing but a challenge, on every address and in every era", async () => {
  await using world = await startWorld();
  const { server } = world;
  for (const key of [null, "sk_muxi_user_wrong_0123456789abcdef"]) {
    const headers = key === null ? {} : { authorization: `Bearer ${key}` };
    const answers = [
      await modern(server, "tools/list", {}, { key }),
      await legacy(server, INITIALIZE, { key }),
      await legacy(server, undefined, { key, method: "GET" }),
      await legacy(server, undefined, { key, method: "DELETE" }),
      await fetch(`${server.url}/mcp/ws`, { headers }),
      await fetch(`${server.url}/api/v1/mcp/stream`, { headers }),
      await fetch(`${server.url}/v1/mcp/message`, { method: "POST", headers, body: "{}" }),
    ];
    for (const response of answers) {
      const { error } = await response.json();
      assert.equal(response.status, 401);
      assert.equal(error.data.error, "UnauthorizedError");
      const metadata = `${server.url}/.well-known/oauth-protected-resource/mcp`;
      assert.equal(response.headers.get("www-authenticate"), `Bearer realm="muxi", resource_metadata="${metadata}"`);
    }
  }
  const metadata = await (await fetch(`${server.url}/.well-known/oauth-protected-resource`)).json();
  assert.equal(metadata.resource, `${server.url}/mcp`);
  assert.deepEqual(metadata.scopes_supported, ["tools"]);
  const listed = await modern(server, "tools/list", {}, { key: await tokenOf("alice") });
  assert.equal(await statusOf(listed), 200);
});

Deno.test("who takes no tokens describes none", async () => {
  await using server = await startServer();
  assert.equal(await statusOf(await fetch(`${server.url}/.well-known/oauth-protected-resource`)), 404);
  const response = await modern(server, "tools/list", {}, { key: null });
  assert.equal(response.headers.get("www-authenticate"), 'Bearer realm="muxi"');
  await response.text();
});

Deno.test("a tool of another server needs the scope, and the refusal names it", async () => {
  const toolbox = scriptedToolbox({ time__now: { act: () => ({ result: "noon", is_error: false }) } });
  await using server = await startServer({ ports: { toolbox } });
  const call = { name: "time__now", arguments: {} };
  const refused = await modern(server, "tools/call", call);
  assert.equal(refused.status, 403);
  assert.equal(
    refused.headers.get("www-authenticate"),
    'Bearer realm="muxi", error="insufficient_scope", scope="tools"',
  );
  await refused.text();
  await using client = await connect(server);
  assert.ok(!(await client.listTools()).tools.some(({ name }) => name === "time__now"));
  await using free = await startServer({ ports: { toolbox }, settings: { auth: { user_scopes: ["tools"] } } });
  await using other = await connect(free);
  assert.ok((await other.listTools()).tools.some(({ name }) => name === "time__now"));
  assert.deepEqual((await other.callTool(call)).content, [{ type: "text", text: "noon" }]);
  assert.equal(toolbox.calls.length, 1);
});

Deno.test("a page of elsewhere is refused, one that the settings name is not", async () => {
  await using server = await startServer({ settings: { server: { cors: { origins: ["https://app.example.org"] } } } });
  const port = new URL(server.url).port;
  const tries: [Record<string, string>, number][] = [
    [{ origin: "https://evil.example" }, 403],
    [{ origin: `http://evil.example:${port}`, host: `evil.example:${port}` }, 403],
    [{ origin: "null" }, 403],
    [{ origin: "https://app.example.org" }, 200],
    [{ origin: `http://localhost:${port}` }, 200],
    [{ origin: server.url }, 200],
  ];
  for (const [headers, status] of tries) {
    assert.equal(await statusOf(await modern(server, "tools/list", {}, { headers })), status, JSON.stringify(headers));
  }
});

Deno.test("a name that only leads here is refused on a server of this machine", async () => {
  await using server = await startServer();
  const { port } = new URL(server.url);
  for (const [host, status] of [["evil.example", 403], ["localhost", 200], ["[::1]", 200]] as const) {
    const body = JSON.stringify(INITIALIZE);
    const head = [
      "POST /mcp HTTP/1.1",
      `host: ${host}:${port}`,
      `authorization: Bearer ${USER_KEY}`,
      "content-type: application/json",
      "accept: application/json, text/event-stream",
      `content-length: ${body.length}`,
    ];
    assert.equal((await send(Number(port), [`${head.join("\r\n")}\r\n\r\n${body}`])).status, status, host);
  }
});

Deno.test("a session belongs to the key that opened it", async () => {
  await using world = await startWorld();
  const { server } = world;
  const id = await open(server);
  const headers = { "mcp-session-id": id };
  for (const key of [OTHER_KEY, await tokenOf("alice")]) {
    assert.equal(await statusOf(await legacy(server, ping, { key, headers })), 404);
    assert.equal(await statusOf(await legacy(server, undefined, { key, headers, method: "GET" })), 404);
    assert.equal(await statusOf(await legacy(server, undefined, { key, headers, method: "DELETE" })), 404);
  }
  assert.equal(await statusOf(await legacy(server, ping, { headers })), 200);
  assert.equal(await statusOf(await legacy(server, undefined, { headers, method: "DELETE" })), 200);
  assert.equal(await statusOf(await legacy(server, ping, { headers })), 404);
  assert.equal(await statusOf(await legacy(server, ping)), 400);
});

Deno.test("an application names the user in the address, who has a session and conversations of their own", async () => {
  await using world = await startWorld();
  const { server } = world;
  const { conversation_id } = await world.things();
  const read = async (user: string, key = USER_KEY) => {
    const client = createClient();
    const headers = { authorization: `Bearer ${key}` };
    const url = new URL(`${server.url}/mcp?user_id=${user}`);
    await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers } }));
    return await client.readResource({ uri: `muxi://conversations/${conversation_id}` }).finally(() => client.close());
  };
  assert.equal((await read("bob")).contents.length, 1);
  await assert.rejects(read("alice"), /not found/i);
  await assert.rejects(read("bob", OTHER_KEY), /not found/i);
  await assert.rejects(read("bob", await tokenOf("alice")));
  await assert.rejects(read("a/b"));
  const at = (user: string, id: string) =>
    fetch(`${server.url}/mcp?user_id=${user}`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${USER_KEY}`,
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        ...id !== "" && { "mcp-session-id": id },
      },
      body: JSON.stringify(id === "" ? INITIALIZE : ping),
    });
  const opened = await at("bob", "");
  const id = opened.headers.get("mcp-session-id")!;
  await opened.text();
  assert.deepEqual([await statusOf(await at("bob", id)), await statusOf(await at("alice", id))], [200, 404]);
});

Deno.test("a new session ends the one idle longest, and an idle one ends by itself", async () => {
  const clock = movableClock();
  const settings = { server: { max_mcp_sessions: 2, mcp_session_idle_seconds: 100 } };
  await using server = await startServer({ settings, ports: { clock } });
  const [first, second] = [await open(server), await open(server)];
  const at = (id: string) => legacy(server, ping, { headers: { "mcp-session-id": id } }).then(statusOf);
  assert.equal(await at(first), 200);
  const third = await open(server);
  assert.deepEqual([await at(first), await at(second), await at(third)], [200, 404, 200]);
  const gone = new AbortController();
  const headers = { "mcp-session-id": first };
  const feed = await legacy(server, undefined, { headers, method: "GET", signal: gone.signal });
  clock.move(150_000);
  assert.deepEqual([await at(first), await at(third)], [200, 404]);
  gone.abort();
  await feed.body?.cancel().catch(() => {});
  await until("the session is idle", async () => {
    clock.move(150_000);
    return await at(first) === 404;
  });
});

Deno.test("a revoked key ends its streams and sessions", async () => {
  const first = "app:user:sk_muxi_user_of_an_app_0123456789";
  const key = "sk_muxi_user_of_an_app_0123456789";
  const dir = await Deno.makeTempDir({ prefix: "muxi-test-" });
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(dir, { recursive: true }));
  let api_keys = [first];
  const settings = () => testSettings(dir, { settings: { auth: { api_keys } } });
  const server = stack.use(
    await startServer({ data_dir: dir, settings: { auth: { api_keys } }, reread: () => Promise.resolve(settings()) }),
  );
  const headers = { "mcp-session-id": await open(server, key) };
  const feed = await legacy(server, undefined, { key, headers, method: "GET" });
  const listening = await modern(server, "subscriptions/listen", { notifications: { toolsListChanged: true } }, {
    key,
  });
  assert.equal(feed.status, 200);
  const [reader, other] = [feed.body!.getReader(), listening.body!.getReader()];
  assert.match(new TextDecoder().decode((await other.read()).value), /subscriptions\/acknowledged/);
  api_keys = [];
  await server.app.reload();
  assert.equal((await reader.read()).done, true);
  for (;;) if ((await other.read()).done) break;
  assert.equal(await statusOf(await legacy(server, ping, { key, headers })), 401);
});

Deno.test("what is no message is refused in the protocol's shape", async () => {
  await using server = await startServer({ settings: { server: { max_body_bytes: 5000 } } });
  const tries: [unknown, number, number, Record<string, string>?][] = [
    ["{", 400, -32700],
    ["", 400, -32700],
    ['"text"', 400, -32700],
    [{ jsonrpc: "2.0" }, 400, -32600],
    [{ ...INITIALIZE, padding: "x".repeat(6000) }, 413, -32000],
    [INITIALIZE, 415, -32000, { "content-type": "text/plain" }],
    [INITIALIZE, 406, -32000, { accept: "application/json" }],
    [ping, 404, -32001, { "mcp-session-id": "nonsense" }],
  ];
  for (const [body, status, code, headers = {}] of tries) {
    const response = await legacy(server, body, { headers });
    const { error, id } = await response.json();
    assert.deepEqual([response.status, error.code, id], [status, code, null], JSON.stringify(body).slice(0, 100));
  }
  const response = await legacy(server, undefined, { method: "PUT" });
  assert.equal(response.status, 405);
  assert.equal((await response.json()).jsonrpc, "2.0");
});

Deno.test("ten thousand idle sessions cost less than 20 KB of heap each", async () => {
  const { Sessions } = await import("../../src/transports/mcp/sessions.ts");
  const { OurCatalog } = await import("../../src/transports/mcp/ours/catalog.ts");
  const { systemClock } = await import("../../src/kit/clock.ts");
  await using server = await startServer();
  const catalog = new OurCatalog({ gateway: server.app.gateway, clock: systemClock, version: "1" });
  using sessions = new Sessions({ catalog, clock: systemClock, max_sessions: 20_000, idle_ms: 60_000 });
  const principal = await server.app.gateway.identify({ token: USER_KEY, address: "127.0.0.1", request_id: "req_1" });
  const visit = { principal, signal: new AbortController().signal, request_id: "req_1", address: "127.0.0.1" };
  const make = async () => {
    const session = await sessions.create(visit);
    session.receive(INITIALIZE as Parameters<typeof session.receive>[0], { visit });
  };
  for (let i = 0; i < 100; i++) await make();
  await new Promise((resolve) => setTimeout(resolve, 50));
  const before = heldMemory();
  for (let i = 0; i < 10_000; i++) await make();
  await new Promise((resolve) => setTimeout(resolve, 50));
  const each = (heldMemory() - before) / 10_000;
  assert.equal(sessions.size, 10_100);
  assert.ok(each < 20_000, `${Math.round(each)} bytes a session`);
});

Deno.test("a client that lost its session is told so, and begins again", async () => {
  await using server = await startServer({ settings: { server: { max_mcp_sessions: 1 } } });
  const client = createClient({ era: "2025-11-25" });
  const headers = { authorization: `Bearer ${USER_KEY}` };
  const connectTo = () =>
    client.connect(new StreamableHTTPClientTransport(new URL(`${server.url}/mcp`), { requestInit: { headers } }));
  await connectTo();
  await client.close();
  await open(server);
  await connectTo();
  assert.ok((await client.listTools()).tools.length > 0);
  await client.close();
});
