import { strict as assert } from "node:assert";
import { modern, USER_KEY } from "../support/mcp_door.ts";
import { INITIALIZE, legacy, open, openSocket, ping, statusOf } from "../support/mcp_legacy.ts";
import { heldMemory } from "../support/memory.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { ask, type Json, until } from "../support/story.ts";
import { scriptedToolbox } from "../support/toolbox.ts";
import { OTHER_KEY, startWorld } from "../support/world.ts";

const NOTICE = { jsonrpc: "2.0", method: "notifications/initialized" };

/** What a server must still be able to do. */
async function assertWell(server: TestServer): Promise<void> {
  const listed = await modern(server, "tools/list");
  const { result } = await listed.json();
  assert.ok(result.tools.length > 0);
  assert.equal(await statusOf(await legacy(server, ping, { headers: { "mcp-session-id": await open(server) } })), 200);
  assert.equal((await ask(server, "POST /chat", { body: { message: "Hello" } })).status, "completed");
}

/** A connection to the door over which `body` is begun, and nothing read. */
async function begin(server: TestServer, lines: string[], body = ""): Promise<Deno.TcpConn> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(server.url).port) });
  const head = [...lines, "host: 127.0.0.1", `authorization: Bearer ${USER_KEY}`, "content-type: application/json"];
  await connection.write(new TextEncoder().encode(`${head.join("\r\n")}\r\n\r\n${body}`));
  return connection;
}

Deno.test("two hundred sessions that are opened and left end those of their own key first", async () => {
  const settings = { server: { max_mcp_sessions: 50 } };
  await using world = await startWorld(settings);
  const { server } = world;
  const headers = { "mcp-session-id": await open(server, OTHER_KEY) };
  const opened: string[] = [];
  for (let i = 0; i < 200; i++) opened.push(await open(server));
  const at = (id: string) => legacy(server, ping, { headers: { "mcp-session-id": id } }).then(statusOf);
  assert.equal(await statusOf(await legacy(server, ping, { key: OTHER_KEY, headers })), 200);
  assert.deepEqual([await at(opened[0]!), await at(opened.at(-1)!)], [404, 200]);
  await assertWell(server);
});

Deno.test("messages that are deep, huge, of wrong versions or of nobody's session are refused as MCP says", async () => {
  const toolbox = scriptedToolbox({ look: { act: () => ({ result: "nothing", is_error: false }) } });
  await using server = await startServer({ ports: { toolbox }, settings: { auth: { user_scopes: ["tools"] } } });
  const deep = `${"[".repeat(300_000)}${"]".repeat(300_000)}`;
  const wide = `{${Array.from({ length: 60_000 }, (_, i) => `"k${i}":0`).join(",")}}`;
  const call = (id: string, args: string) =>
    `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"look","arguments":${args}}}`;
  const headers = { "mcp-session-id": await open(server) };
  const version = "mcp-protocol-version";
  const bodies: [string, unknown, Record<string, string>, number[]][] = [
    ["deep", deep, {}, [400]],
    ["deep arguments", call("3", `{"a":${deep}}`), headers, [200, 400]],
    ["deep id", call(deep, "{}"), headers, [400]],
    ["wide arguments", call("4", wide), headers, [200]],
    ["too much", call("5", `"${"x".repeat(1_100_000)}"`), headers, [413]],
    ["a batch", [ping, ping], headers, [400]],
    ["a wrong version", ping, { ...headers, [version]: "1999-01-01" }, [400]],
    [
      "a version to begin with",
      { ...INITIALIZE, params: { ...INITIALIZE.params, protocolVersion: "1999-01-01" } },
      {},
      [
        200,
      ],
    ],
    ["prototypes", call("6", '{"__proto__":{"x":1},"constructor":1}'), headers, [200]],
    ["nobody's session", ping, { "mcp-session-id": crypto.randomUUID() }, [404]],
    ["a strange session", ping, { "mcp-session-id": "x".repeat(5000) }, [404]],
  ];
  for (const [what, body, more, statuses] of bodies) {
    const response = await legacy(server, body, { headers: more });
    const text = await response.text();
    const message: Json = JSON.parse(text.startsWith("event:") ? /^data: (.*)$/m.exec(text)![1]! : text);
    assert.ok(statuses.includes(response.status), `${what}: ${response.status} ${text.slice(0, 300)}`);
    assert.equal(message.jsonrpc, "2.0", what);
    assert.ok(!text.includes("    at ") && !text.includes("RangeError"), `${what}: ${text.slice(0, 300)}`);
  }
  const meta = { "io.modelcontextprotocol/protocolVersion": "2099-01-01" };
  const wrong = await modern(server, "tools/list", {}, { meta, headers: { [version]: "2099-01-01" } });
  const { error } = await wrong.json();
  assert.deepEqual([wrong.status, error.code], [400, -32022]);
  assert.ok(error.data.supported.includes("2026-07-28"));
  await assertWell(server);
});

Deno.test("streams that are half open hold nothing for long", async () => {
  await using server = await startServer({
    settings: { server: { body_timeout_seconds: 1, max_streams_per_key: 20, write_timeout_seconds: 1 } },
  });
  const halves = await Promise.all(
    Array.from({ length: 40 }, () => begin(server, ["POST /mcp HTTP/1.1", "content-length: 1000"], '{"jsonrpc"')),
  );
  const feeds: Deno.TcpConn[] = [];
  for (let i = 0; i < 20; i++) {
    feeds.push(await begin(server, ["GET /api/v1/mcp/stream HTTP/1.1", "accept: text/event-stream"]));
  }
  const buffer = new Uint8Array(4096);
  for (const half of halves) {
    const text = new TextDecoder().decode(buffer.subarray(0, (await half.read(buffer))!));
    assert.match(text, /^HTTP\/1\.1 408 /);
    assert.match(text, /"jsonrpc":"2\.0"/);
    half.close();
  }
  await until("the key has no stream left", async () => {
    return await statusOf(await server.request("GET", "/mcp/stream")) === 429;
  });
  for (const feed of feeds) feed.close();
  await until("they are given back", async () => {
    const stopping = new AbortController();
    const response = await server.request("GET", "/mcp/stream", { signal: stopping.signal });
    stopping.abort();
    await response.body?.cancel().catch(() => {});
    return response.status === 200;
  });
  await assertWell(server);
});

Deno.test("a flood over one connection is cut off, and others are served meanwhile", async () => {
  await using world = await startWorld({ limits: { enabled: true } });
  const { server } = world;
  const flood = await openSocket(server, OTHER_KEY, [INITIALIZE, NOTICE]);
  const before = heldMemory();
  for (let i = 0; i < 20_000; i++) flood.socket.send(JSON.stringify({ ...NOTICE, params: { i } }));
  await assertWell(server);
  await flood.closed;
  const refusals = flood.got.filter(({ error }) => error?.data?.error === "TooManyRequestsError");
  assert.ok(refusals.length >= 1 && refusals.length <= 20, String(refusals.length));
  assert.ok(heldMemory() - before < 30_000_000);
  const { status } = await legacy(server, INITIALIZE, { key: OTHER_KEY }).then(async (response) => {
    await response.text();
    return response;
  });
  assert.equal(status, 429);
  await assertWell(server);
});

Deno.test("who asks a lot over a WebSocket and reads nothing is cut off, and costs no more than what may wait", async () => {
  await using server = await startServer({
    settings: { server: { write_timeout_seconds: 1, max_streams_per_key: 1 } },
  });
  const before = heldMemory();
  const connection = await begin(server, [
    "GET /mcp/ws HTTP/1.1",
    "upgrade: websocket",
    "connection: Upgrade",
    "sec-websocket-version: 13",
    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
  ]);
  await connection.write(frame(JSON.stringify(INITIALIZE)));
  const list = { jsonrpc: "2.0", method: "tools/list", params: {} };
  for (let id = 2; id < 2000; id++) await connection.write(frame(JSON.stringify({ ...list, id })));
  let most = 0;
  await until("its place is free", async () => {
    most = Math.max(most, heldMemory() - before);
    return await openSocket(server, USER_KEY).then(async ({ socket, closed }) => {
      socket.close();
      await closed;
      return true;
    }, () => false);
  });
  // Two thousand answers are a multiple of it.
  assert.ok(most < 40_000_000, String(most));
  connection.close();
  await assertWell(server);
});

/** A WebSocket frame of text, masked with zeros as clients must mask. */
function frame(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new TextEncoder().encode(text);
  const head = bytes.length < 126 ? [0x81, 0x80 | bytes.length] : [0x81, 0xfe, bytes.length >> 8, bytes.length & 255];
  return new Uint8Array([...head, 0, 0, 0, 0, ...bytes]);
}
