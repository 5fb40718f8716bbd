/**
 * Tool servers that attack their client: by where they lead it, and by how much they send.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { AsyncLocalStorage } from "node:async_hooks";
import type { Transport } from "@modelcontextprotocol/client";
import { FloodGate } from "../../src/adapters/mcp/flood.ts";
import { DirectRequests } from "../../src/adapters/mcp/direct_requests.ts";
import { toTool } from "../../src/adapters/mcp/offered.ts";
import { createQuestions } from "../../src/adapters/mcp/questions.ts";
import { createServerFetch } from "../../src/adapters/mcp/server_fetch.ts";
import { readList } from "../../src/adapters/mcp/lists.ts";
import { Silence } from "../../src/adapters/mcp/silence.ts";
import { Asking } from "../../src/core/mcp_servers/asking.ts";
import { systemClock } from "../../src/kit/clock.ts";
import { createLog } from "../../src/kit/log.ts";
import type { Elicitation } from "../../src/ports/mcp_client.ts";
import { connectorForTests, toConnectOptions, toServer } from "../support/mcp_client_connector.ts";
import { failureOf } from "../support/mcp_client_odd.ts";
import { settle } from "../support/moving_clock.ts";

type Handler = (request: Request) => Response | Promise<Response>;

/** A server of HTTP on this machine. */
function serve(handler: Handler) {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, handler);
  return { url: `http://127.0.0.1:${server.addr.port}`, [Symbol.asyncDispose]: () => server.shutdown() };
}

Deno.test("a server that sends us elsewhere gets us nowhere, and nobody else learns its secrets", async () => {
  for (const status of [301, 302, 303, 307, 308]) {
    const seen: string[] = [];
    await using inner = serve(async ({ headers, url, body }) => {
      seen.push(`${url} ${JSON.stringify([...headers])} ${body && await new Response(body).text()}`);
      return new Response("INTERNAL", { status: 418 });
    });
    await using outer = serve(() => new Response(null, { status, headers: { location: `${inner.url}/latest` } }));
    const server = toServer({
      url: `${outer.url}/mcp?k=query-secret`,
      headers: { "X-Api-Key": "header-secret" },
      credentials: [{ id: "a", param_name: "?token", required: true, value: "query-secret-2" }],
    });
    for (const type of ["streamable_http", "http_sse"] as const) {
      const failure = await failureOf(connectorForTests().connect({ ...server, type }, toConnectOptions()));
      assert.match(failure.message, /leads to another server/, `${type} ${status}`);
      assert.doesNotMatch(failure.message, /INTERNAL|secret/);
    }
    assert.deepEqual(seen, [], `status ${status}`);
  }
});

Deno.test("a server may send us on to another of its own addresses", async () => {
  const seen: string[] = [];
  await using server = serve(async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/old") return new Response(null, { status: 308, headers: { location: "/new" } });
    seen.push(`${request.method} ${request.headers.get("x-key")} ${await request.text()}`);
    return new Response("here");
  });
  const resolved = { headers: { "X-Key": "mine" }, query: {}, env: {}, secrets: [] };
  const serverFetch = createServerFetch(new URL(server.url), resolved, new Set());
  const response = await serverFetch(`${server.url}/old`, { method: "POST", body: "text" });
  assert.equal(await response.text(), "here");
  assert.deepEqual(seen, ["POST mine text"]);
  await using endless = serve(() => new Response(null, { status: 307, headers: { location: "/again" } }));
  const again = createServerFetch(new URL(endless.url), resolved, new Set());
  await assert.rejects(again(`${endless.url}/x`), /too often/);
});

Deno.test("answers that nobody asked for count as a flood, like notifications", () => {
  let floods = 0;
  const flood = new FloodGate({ clock: { ...systemClock, now: () => 0 }, onFlood: () => floods++ });
  const inner = { start: () => Promise.resolve(), send: () => Promise.resolve(), close: () => Promise.resolve() };
  const direct = new DirectRequests(inner, { clock: systemClock, flood, silence: new Silence(systemClock) });
  let passed = 0;
  direct.onmessage = () => passed++;
  void direct.start();
  const say = (inner as { onmessage?: (message: unknown) => void }).onmessage!;
  for (let i = 0; i < 15_000; i++) {
    say({ jsonrpc: "2.0", id: i, result: {} });
    say({ jsonrpc: "2.0", id: `muxi-${i}`, result: {} });
  }
  assert.equal(floods, 1);
  assert.ok(passed < 15_000, `${passed} reached the client`);
});

Deno.test("what is asked on the stream of a call is the call's, under whatever name, and leaves nothing behind", async () => {
  const flood = new FloodGate({ clock: systemClock, onFlood: () => {} });
  const streams: ((work: () => void) => void)[] = [];
  const inner = {
    hasPerRequestStream: true,
    start: () => Promise.resolve(),
    send: () => Promise.resolve(void streams.push(AsyncLocalStorage.snapshot())),
    close: () => Promise.resolve(),
    onmessage: (_: unknown) => {},
  };
  const direct = new DirectRequests(inner as Transport, {
    clock: systemClock,
    flood,
    silence: new Silence(systemClock),
  });
  const placed: (string | undefined)[] = [];
  // The SDK's client hands a request to its handler a moment later.
  direct.onmessage = () => void Promise.resolve().then(() => placed.push(direct.askedIn));
  await direct.start();
  const question = (id: unknown) => inner.onmessage({ jsonrpc: "2.0", id, method: "elicitation/create", params: {} });
  const stop = new AbortController();
  const limits = { timeout_ms: 60_000, max_timeout_ms: 60_000 };
  const call = direct.request("tools/call", {}, { signal: stop.signal, tool_call_id: "ada", ...limits });
  const ids = [7, "7", { of: "any" }, "x".repeat(1_000_000)];
  for (const id of ids) streams[0]!(() => question(id));
  await settle();
  assert.deepEqual(placed.splice(0), ids.map(() => "ada"));
  stop.abort(new Error("Enough"));
  await assert.rejects(call, /Enough/);
  for (const id of ids) question(id);
  await settle();
  assert.deepEqual(placed.splice(0), ids.map(() => undefined), "an old name places no later question");
  streams[0]!(() => question(8));
  await settle();
  assert.deepEqual(placed, ["ada"], "what still comes on the stream of a call that is over is nobody else's");
});

Deno.test("a list is bounded by its size, too, and so is each of its tools", async () => {
  const log = createLog({ level: "error", format: "text", write: () => {} });
  const page = { resources: Array.from({ length: 20 }, (_, i) => ({ uri: `x://${i}`, name: "x".repeat(100_000) })) };
  let pages = 0;
  const toEntry = (entry: unknown) => entry;
  const reading = readList({
    field: "resources",
    toEntry,
    log,
    page: () => Promise.resolve({ ...page, nextCursor: String(pages++) }),
  });
  await assert.rejects(reading, /larger than/);
  assert.ok(pages <= 20, `${pages} pages of 2 MB were read`);
  const inputSchema = { type: "object" };
  const tools = [300_000, 20_000].map((length) => ({
    name: `a${length}`,
    inputSchema,
    description: "x".repeat(length),
  }));
  const read = await readList({ field: "tools", toEntry: toTool, log, page: () => Promise.resolve({ tools }) });
  assert.deepEqual(read.map(({ name }) => name), ["a20000"]);
});

/** What a person would be shown of a server's question. */
async function shown(params: Record<string, unknown>): Promise<Elicitation> {
  const asked: Elicitation[] = [];
  const handlers = {
    elicit: (question: Elicitation) => {
      asked.push(question);
      return Promise.resolve({ action: "decline" as const });
    },
    sample: () => Promise.reject(new Error("no model")),
  };
  const questions = createQuestions({ handlers, silence: new Silence(systemClock) });
  await questions("elicitation/create", params, { signal: new AbortController().signal });
  return asked[0]!;
}

Deno.test("an address that a server wants visited is https with a plain host, or isn't shown", async () => {
  const message = "Please sign in";
  const bad = [
    "javascript:alert(1)",
    "data:text/html,hello",
    "file:///etc/passwd",
    "http://evil.test/",
    "https://bank.example@evil.test/",
    "https://user:pw@evil.test/",
    "not an address",
    "https://",
    `https://evil.test/${"x".repeat(5000)}`,
  ];
  for (const url of bad) await assert.rejects(shown({ message, mode: "url", url }), /address/, url);
  const { url } = await shown({ message, mode: "url", url: "https://аррӏе.com/login" });
  assert.match(url!, /^https:\/\/xn--/, "a name in other letters is shown as what it is");
  assert.equal((await shown({ message, mode: "url", url: "http://localhost:8123/x" })).url, "http://localhost:8123/x");
});

Deno.test("a server's question is no longer than a person reads", async () => {
  const requestedSchema = { type: "object", properties: {} };
  const { message } = await shown({ message: "x".repeat(1_000_000), requestedSchema });
  assert.ok(message.length <= 4_001, String(message.length));
  const bomb = { type: "object", properties: { a: { type: "string", title: "x".repeat(200_000) } } };
  await assert.rejects(shown({ message: "hello", requestedSchema: bomb }), /larger than/);
});

Deno.test("in one call a server asks so often and no more, of people and of models", async () => {
  let asked = 0;
  const noted: string[] = [];
  const asking = new Asking({
    askPerson: () => Promise.resolve((asked++, { action: "accept" as const })),
    askModel: () => Promise.resolve((asked++, { model: "m", text: "t", stop_reason: "endTurn" as const })),
    noteUnasked: (_, { words }) => Promise.resolve(void noted.push(words)),
  });
  const { elicit, sample } = asking.of(toServer({ url: "https://x.test/", sampling: "allow" }));
  const { signal } = new AbortController();
  const request = { messages: [], max_tokens: 1 };
  const all = Array.from({ length: 1000 }, () => sample(request, { signal, tool_call_id: "tool_1" }));
  const results = await Promise.allSettled(all);
  const refused = results.filter(({ status }) => status === "rejected");
  assert.ok(asked <= 100, String(asked));
  assert.match(String((refused[0] as PromiseRejectedResult).reason), /too often/);
  assert.deepEqual(await elicit({ message: "?" }, { signal, tool_call_id: "tool_1" }), { action: "cancel" });
  assert.match(noted[0]!, /it asks too often in one call/);
  await sample(request, { signal, tool_call_id: "tool_2" });
});

Deno.test("that nobody was asked is noted once for each call and reason, however often its server asks", async () => {
  const noted: { words: string; tool_call_ids: readonly string[] }[] = [];
  const asking = new Asking({
    askPerson: () => Promise.resolve({ unasked: "its caller can't be asked" }),
    askModel: () => Promise.reject(new Error("No model here")),
    noteUnasked: (_, note) => Promise.resolve(void noted.push(note)),
  });
  const { elicit } = asking.of(toServer({ url: "https://x.test/" }));
  const { signal } = new AbortController();
  const pester = async (options: { tool_call_id?: string; among?: string[] }) => {
    for (let i = 0; i < 2000; i++) {
      assert.deepEqual(await elicit({ message: "?" }, { signal, ...options }), { action: "cancel" });
    }
    return noted.splice(0);
  };
  const several = await pester({ among: ["ada", "bob"] });
  assert.deepEqual(several.map(({ tool_call_ids }) => tool_call_ids), [["ada", "bob"]]);
  const more = await pester({ among: ["bob", "cleo"] });
  assert.deepEqual(more.map(({ tool_call_ids }) => tool_call_ids), [["cleo"]], "others still learn of it");
  const own = await pester({ tool_call_id: "ada" });
  assert.deepEqual(own.map(({ tool_call_ids }) => tool_call_ids), [["ada"], ["ada"]]);
  assert.match(own[0]!.words, /its caller can't be asked/);
  assert.match(own[1]!.words, /too often/);
  const outside = await pester({});
  assert.deepEqual(outside.map(({ tool_call_ids }) => tool_call_ids), [[], []]);
  assert.match(outside[0]!.words, /no call of its tools is under way/);
  assert.match(outside.at(-1)!.words, /outside of calls, and more than 50 times/);
});
