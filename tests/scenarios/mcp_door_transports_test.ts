import { strict as assert } from "node:assert";
import { type Client, SSEClientTransport, type Transport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { createClient, ERAS, USER_KEY } from "../support/mcp_door.ts";
import { startProvider } from "../support/provider.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { ask, createAgent, type Json, until, untilStatus } from "../support/story.ts";
import { OTHER_KEY, startWorld } from "../support/world.ts";

const authorization = `Bearer ${USER_KEY}`;
const endless = { tokens: ["Well", "…"], delay: 600_000 };

/** A client's side of a WebSocket. */
function webSocketTransport(url: string, headers: Record<string, string>): Transport {
  const socket = new WebSocket(url, { headers, protocols: ["mcp"] });
  const transport: Transport = {
    start: () =>
      new Promise((resolve, reject) => {
        socket.onopen = () => resolve();
        socket.onerror = () => reject(new Error("Cannot connect"));
        socket.onmessage = ({ data }) => transport.onmessage?.(JSON.parse(data));
        socket.onclose = () => transport.onclose?.();
      }),
    send: (message) => Promise.resolve(socket.send(JSON.stringify(message))),
    close: () => Promise.resolve(socket.close()),
  };
  return transport;
}

const toSse = (server: TestServer) =>
  new SSEClientTransport(new URL(`${server.url}/api/v1/mcp/stream`), {
    requestInit: { headers: { authorization } },
    eventSourceInit: {
      fetch: (url, init) => fetch(url, { ...init, headers: { ...init?.headers as object, authorization } }),
    },
  });
const toSocket = (server: TestServer) =>
  webSocketTransport(`${server.url.replace("http", "ws")}/mcp/ws`, { authorization });

/** What every way in must be able to do. */
async function tryAll(client: Client): Promise<void> {
  const { tools } = await client.listTools();
  assert.ok(tools.some(({ name }) => name === "agent__assistant"));
  const told: string[] = [];
  const answer = await client.callTool({ name: "agent__assistant", arguments: { message: "Hello" } }, {
    onprogress: ({ message }) => void told.push(message ?? ""),
  });
  assert.equal((answer.structuredContent as Json).status, "completed");
  assert.ok(told.length > 0);
  await assert.rejects(client.callTool({ name: "nothing" }), { code: -32602 });
}

for (const era of ERAS) {
  Deno.test(`a client of ${era} comes over a WebSocket, and cancels there`, async () => {
    await using provider = await startProvider({ script: [{ tokens: ["Hello"] }, endless] });
    await using server = await startServer({ provider: provider.url });
    const client = createClient({ era });
    await client.connect(toSocket(server));
    await tryAll(client);
    const stopping = new AbortController();
    const params = { name: "agent__assistant", arguments: { message: "Hello" } };
    const calling = client.callTool(params, { signal: stopping.signal });
    await provider.received(1);
    stopping.abort();
    await assert.rejects(calling);
    const { data } = await ask(server, "GET /runs");
    await untilStatus(server, data[0].id, "cancelled");
    await client.close();
  });

  Deno.test(`a desktop host of ${era} starts a server and speaks over its input and output`, async () => {
    const dir = await Deno.makeTempDir({ prefix: "muxi-test-" });
    const client = createClient({ era });
    const program = new URL("../support/mcp_stdio_program.ts", import.meta.url).pathname;
    const args = ["run", "-A", "--quiet", "--unstable-no-legacy-abort", program, dir, USER_KEY];
    const { PATH = "", HOME = "", DENO_DIR } = Deno.env.toObject();
    const env = { PATH, HOME, ...DENO_DIR !== undefined && { DENO_DIR } };
    try {
      await client.connect(new StdioClientTransport({ command: Deno.execPath(), args, env }));
      await tryAll(client);
    } finally {
      await client.close();
      await Deno.remove(dir, { recursive: true });
    }
  });
}

Deno.test("a client of the first revision comes over HTTP+SSE", async () => {
  await using server = await startServer();
  const client = createClient({ era: "2025-11-25" });
  await client.connect(toSse(server));
  await tryAll(client);
  await client.close();
});

Deno.test("who leaves a connection that stays leaves no run behind", async () => {
  for (const connectTo of [toSocket, toSse]) {
    await using provider = await startProvider({ script: endless });
    await using server = await startServer({ provider: provider.url });
    const client = createClient({ era: "2025-11-25" });
    await client.connect(connectTo(server));
    client.callTool({ name: "agent__assistant", arguments: { message: "Hello" } }).catch(() => {});
    await provider.received();
    await client.close();
    const { data } = await ask(server, "GET /runs");
    await untilStatus(server, data[0].id, "cancelled");
  }
});

Deno.test("a browser opens a WebSocket by a ticket, once, and another's stream can't be written to", async () => {
  await using world = await startWorld();
  const { server } = world;
  const { ticket } = await ask(server, "POST /tickets", { body: {} });
  const url = `${server.url.replace("http", "ws")}/mcp/ws?ticket=${ticket}`;
  const client = createClient({ era: "2025-11-25" });
  await client.connect(webSocketTransport(url, {}));
  assert.ok((await client.listTools()).tools.length > 0);
  await client.close();
  await assert.rejects(createClient({ era: "2025-11-25" }).connect(webSocketTransport(url, {})));
  const gone = new AbortController();
  const stream = await fetch(`${server.url}/v1/mcp/stream`, { headers: { authorization }, signal: gone.signal });
  const reader = stream.body!.getReader();
  const first = new TextDecoder().decode((await reader.read()).value);
  const path = /^event: endpoint\ndata: (\/v1\/mcp\/message\?session_id=.+)\n\n$/.exec(first)![1]!;
  const write = (key: string) =>
    fetch(server.url + path, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" }),
    });
  const [own, other] = [await write(USER_KEY), await write(OTHER_KEY)];
  assert.deepEqual([own.status, other.status], [202, 404]);
  await Promise.all([own.text(), other.text()]);
  gone.abort();
  await reader.cancel().catch(() => {});
  await until("the stream is forgotten", async () => {
    const late = await write(USER_KEY);
    await late.text();
    return late.status === 404;
  });
});

Deno.test("junk over a WebSocket is answered, and does no harm", async () => {
  await using server = await startServer({ settings: { server: { max_body_bytes: 5000 } } });
  const socket = new WebSocket(`${server.url.replace("http", "ws")}/mcp/ws`, { headers: { authorization } });
  await new Promise((resolve) => socket.onopen = resolve);
  const answers: Json[] = [];
  socket.onmessage = ({ data }) => answers.push(JSON.parse(data));
  for (const junk of ["{", "[]", '{"jsonrpc":"2.0"}', new Uint8Array(3)]) socket.send(junk);
  await until("all is answered", () => answers.length === 4);
  assert.ok(answers.every(({ id, error }) => id === null && error.code < 0));
  const closed = new Promise<CloseEvent>((resolve) => socket.onclose = resolve);
  socket.send("x".repeat(6000));
  assert.equal((await closed).code, 1009);
});

Deno.test("the list and single requests are there as plain HTTP", async () => {
  await using server = await startServer();
  const { tools, next_cursor } = await ask(server, "GET /mcp/tools");
  assert.ok(tools.some(({ name }: Json) => name === "agent__assistant"));
  assert.equal(next_cursor, null);
  const request = (method: string, params: Json = {}, status = 200) =>
    ask(server, "POST /mcp/request", { body: { method, params }, status });
  const called = await request("tools/call", { name: "agent_get", arguments: { agent_id: "assistant" } });
  assert.equal(called.structuredContent.id, "assistant");
  assert.ok((await request("resources/templates/list")).resourceTemplates.length > 0);
  for (
    const [method, params] of [["tools/call", {}], ["nonsense", {}], ["tools/call", { name: "nothing" }], [
      "constructor",
      {},
    ]]
  ) {
    assert.equal((await request(method as string, params, 400)).error, "ValidationError");
  }
});

Deno.test("a request as JSON-RPC has it is answered as JSON-RPC does, with its id", async () => {
  await using server = await startServer();
  const body = (id: Json) => ({ jsonrpc: "2.0", id, method: "tools/call", params: { name: "agent_list" } });
  for (const id of [7, 0, "seven"]) {
    const { jsonrpc, id: echoed, result } = await ask(server, "POST /mcp/request", { body: body(id) });
    assert.deepEqual([jsonrpc, echoed, result.isError], ["2.0", id, undefined]);
    assert.ok(result.structuredContent.data.length > 0);
  }
  await ask(server, "POST /mcp/request", { body: { jsonrpc: "1.0", id: 1, method: "ping" }, status: 400 });
  await ask(server, "POST /mcp/request", { body: { id: {}, method: "ping" }, status: 400 });
  const refused = await ask(server, "POST /mcp/request", { body: { ...body(7), method: "nonsense" }, status: 400 });
  assert.equal(refused.error, "ValidationError");
});

Deno.test("agents with long names are tools with names that every host takes, each of its own", async () => {
  await using server = await startServer();
  const long = "a".repeat(60);
  const ids = [`${long}-one`, `${long}-two`, "b".repeat(57)];
  for (const id of ids) await createAgent(server, id);
  const { tools } = await ask(server, "GET /mcp/tools");
  const names = tools.map(({ name }: Json) => name).filter((name: string) => /^agent__(aaa|bbb)/.test(name));
  assert.equal(new Set(names).size, 3);
  assert.ok(names.every((name: string) => name.length <= 64), names.join());
  assert.ok(names.includes(`agent__${ids[2]}`), "what is short enough stays");
  for (const name of names) {
    const call = { method: "tools/call", params: { name, arguments: { message: "Hello" } } };
    const { structuredContent, isError } = await ask(server, "POST /mcp/request", { body: call });
    assert.ok(!isError && structuredContent.run_id, name);
  }
  const asked = await ask(server, "GET /runs");
  assert.deepEqual(asked.data.map(({ agent_id }: Json) => agent_id).sort(), ids.toSorted());
  // Whoever knows a name from before is still understood.
  const before = { method: "tools/call", params: { name: `agent__${ids[0]}`, arguments: { message: "Hello" } } };
  assert.ok((await ask(server, "POST /mcp/request", { body: before })).structuredContent.run_id);
});
