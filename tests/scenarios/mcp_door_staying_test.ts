import { strict as assert } from "node:assert";
import { modern, USER_KEY } from "../support/mcp_door.ts";
import { INITIALIZE, legacy, open, openSocket, ping, statusOf } from "../support/mcp_legacy.ts";
import { startServer, testSettings } from "../support/server.ts";
import { createAgent, until } from "../support/story.ts";
import { startWorld, tokenOf } from "../support/world.ts";

const APP_KEY = "sk_muxi_user_of_an_app_0123456789";
const LISTEN = { notifications: { toolsListChanged: true } };

/** Reads a stream to its end, and gives what was in it. */
async function rest({ body }: Response): Promise<string> {
  let text = "";
  for await (const chunk of body!.pipeThrough(new TextDecoderStream())) text += chunk;
  return text;
}

Deno.test("a revoked key ends the connections that stay, said nothing or not", async () => {
  const dir = await Deno.makeTempDir({ prefix: "muxi-test-" });
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(dir, { recursive: true }));
  let api_keys = [`app:user:${APP_KEY}`];
  const settings = () => testSettings(dir, { settings: { auth: { api_keys } } });
  const reread = () => Promise.resolve(settings());
  const server = stack.use(await startServer({ data_dir: dir, settings: { auth: { api_keys } }, reread }));
  const silent = await openSocket(server, APP_KEY);
  const used = await openSocket(server, APP_KEY, [INITIALIZE]);
  const mine = await openSocket(server, USER_KEY, [INITIALIZE]);
  const stream = await server.request("GET", "/mcp/stream", { key: APP_KEY });
  await until("both are answered", () => used.got.length === 1 && mine.got.length === 1);
  api_keys = [];
  await server.app.reload();
  assert.deepEqual(await Promise.all([silent.closed, used.closed]), [1001, 1001]);
  assert.match(await rest(stream), /^event: endpoint/);
  mine.socket.send(JSON.stringify(ping));
  await until("the other's lives on", () => mine.got.length === 2);
  mine.socket.close();
  await mine.closed;
});

Deno.test("a token that expires ends what it opened, and a new one goes on with the session", async () => {
  await using world = await startWorld();
  const { server } = world;
  // Tokens are taken for five seconds longer, as clocks differ.
  const exp = Math.floor(Date.now() / 1000) + 1;
  const short = await tokenOf("alice", {}, exp);
  const socket = await openSocket(server, short, [INITIALIZE]);
  const stream = await server.request("GET", "/mcp/stream", { key: short });
  const headers = { "mcp-session-id": await open(server, short) };
  const feed = await legacy(server, undefined, { key: short, headers, method: "GET" });
  const listening = await modern(server, "subscriptions/listen", LISTEN, { key: short });
  assert.deepEqual([stream.status, feed.status, listening.status], [200, 200, 200]);
  await Promise.all([socket.closed, rest(stream), rest(feed), rest(listening)]);
  assert.ok(Date.now() >= (exp + 5) * 1000, "not before its time");
  assert.equal(await statusOf(await legacy(server, ping, { key: short, headers })), 401);
  const next = await tokenOf("alice");
  assert.equal(await statusOf(await legacy(server, ping, { key: next, headers })), 200);
  const again = await legacy(server, undefined, { key: next, headers, method: "GET" });
  assert.equal(again.status, 200);
  await again.body?.cancel();
});

Deno.test("who comes back to a session's stream hears that everything may be another, once", async () => {
  await using server = await startServer();
  const headers = { "mcp-session-id": await open(server) };
  const listen = async () => {
    const stopping = new AbortController();
    const response = await legacy(server, undefined, { headers, method: "GET", signal: stopping.signal });
    let text = "";
    const reading = (async () => {
      for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) text += chunk;
    })().catch(() => {});
    return {
      status: response.status,
      methods: () => Array.from(text.matchAll(/"method":"notifications\/(\w+)/g), ([, name]) => name),
      async leave() {
        stopping.abort();
        await reading;
      },
    };
  };
  const first = await listen();
  const told = ["tools", "prompts"];
  await createAgent(server, "editor");
  await until("it is told", () => first.methods().length === 2);
  assert.deepEqual(first.methods(), told);
  await first.leave();
  await createAgent(server, "missed");
  const second = await until("there is room", async () => {
    const again = await listen();
    if (again.status === 200) return again;
    assert.equal(again.status, 409);
  });
  await until("it is told", () => second.methods().length === 3);
  assert.deepEqual(second.methods(), ["tools", "prompts", "resources"]);
  await second.leave();
});

Deno.test("every message costs, and a flood is refused in the protocol's shape", async () => {
  const limits = { enabled: true, operations: { mcp_request: { per_second: 0.01, burst: 4 } }, block_after: 3 };
  await using server = await startServer({ settings: { limits, auth: { api_keys: [`app:user:${APP_KEY}`] } } });
  const headers = { "mcp-session-id": await open(server) };
  const first = await legacy(server, ping, { headers });
  assert.equal(first.headers.get("ratelimit-limit") ?? first.headers.get("x-ratelimit-limit"), "4");
  assert.equal(await statusOf(first), 200);
  assert.equal(
    await statusOf(await legacy(server, { jsonrpc: "2.0", method: "notifications/initialized" }, { headers })),
    202,
  );
  assert.equal(await statusOf(await modern(server, "server/discover")), 200);
  const late = [
    await legacy(server, ping, { headers }),
    await modern(server, "tools/call", { name: "nothing" }),
    await legacy(server, INITIALIZE),
  ];
  for (const response of late) {
    const { jsonrpc, id, error } = await response.json();
    assert.deepEqual([response.status, jsonrpc, id, error.code], [429, "2.0", null, -32000]);
    assert.equal(error.data.error, "TooManyRequestsError");
    assert.ok(Number(response.headers.get("retry-after")) > 0);
  }
  const socket = await openSocket(server, APP_KEY, [INITIALIZE]);
  for (let id = 2; id < 9; id++) socket.socket.send(JSON.stringify({ ...ping, id }));
  assert.equal(await socket.closed, 1001);
  const outcomes = socket.got.map(({ id, error }) => [id, error?.data.error ?? "answered"]);
  assert.deepEqual(outcomes, [
    [1, "answered"],
    [2, "answered"],
    [3, "answered"],
    [4, "TooManyRequestsError"],
    [5, "TooManyRequestsError"],
    [6, "TooManyRequestsError"],
  ]);
});

Deno.test("a connection that stays takes one of its key's streams, and gives it back", async () => {
  await using server = await startServer({ settings: { server: { max_streams_per_key: 2 } } });
  const first = await openSocket(server, USER_KEY);
  const stopping = new AbortController();
  const stream = await server.request("GET", "/mcp/stream", { signal: stopping.signal });
  assert.equal(stream.status, 200);
  for (const path of ["^/mcp/ws", "/mcp/stream"]) {
    const headers = { upgrade: "websocket", connection: "upgrade" };
    const response = await server.request("GET", path, path === "/mcp/stream" ? {} : { headers });
    assert.equal(response.status, 429);
    await response.text();
  }
  await assert.rejects(openSocket(server, USER_KEY));
  stopping.abort();
  await stream.body?.cancel().catch(() => {});
  await until(
    "there is room again",
    () => openSocket(server, USER_KEY).then(({ socket }) => (socket.close(), true), () => false),
  );
  first.socket.close();
  await first.closed;
});
