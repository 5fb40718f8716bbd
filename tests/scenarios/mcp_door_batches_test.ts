/**
 * Several messages in one, as revision 2025-03-26 has it, and no other.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { INITIALIZE, legacy, openSocket, ping } from "../support/mcp_legacy.ts";
import { startServer, type TestServer, USER_KEY } from "../support/server.ts";
import { type Json, until } from "../support/story.ts";

const WITH_BATCHES = "2025-03-26";

const initialize = (protocolVersion: string) => ({
  ...INITIALIZE,
  params: { ...INITIALIZE.params, protocolVersion },
});

async function openSession(server: TestServer, version: string): Promise<Record<string, string>> {
  const response = await legacy(server, initialize(version));
  const { result } = await response.json();
  assert.equal(result.protocolVersion, version);
  return { "mcp-session-id": response.headers.get("mcp-session-id")! };
}

const called = (id: Json, name: string) => ({ jsonrpc: "2.0", id, method: "tools/call", params: { name } });
const initialized = { jsonrpc: "2.0", method: "notifications/initialized" };

/** What came back, as JSON or as events. */
async function answersOf(response: Response): Promise<Json[]> {
  const text = await response.text();
  if (response.headers.get("content-type")?.includes("json")) return [JSON.parse(text)].flat();
  return text.split("\n").filter((line) => line.startsWith("data: ")).map((line) => JSON.parse(line.slice(6)));
}

Deno.test("several messages in one are taken, each as by itself", async () => {
  await using server = await startServer();
  const headers = await openSession(server, WITH_BATCHES);
  const silent = await legacy(server, [initialized], { headers });
  assert.deepEqual([silent.status, await silent.text()], [202, ""]);
  const batch = [initialized, ping, called("list", "agent_list"), { hello: "world" }, called(9, "nothing")];
  const response = await legacy(server, batch, { headers });
  assert.equal(response.status, 200);
  const answers = await answersOf(response);
  const byId = (id: Json) => answers.find((answer) => answer.id === id) ?? assert.fail(`no answer to ${id}`);
  assert.equal(answers.length, 4);
  assert.deepEqual(byId(2).result, {});
  assert.ok(byId("list").result.structuredContent.data.length > 0);
  assert.equal(byId(9).error.code, -32602);
  assert.equal(byId(null).error.code, -32600);
  // What has several answers is a list of them, when they are there at once.
  const pings = await legacy(server, [ping, { ...ping, id: 3 }], { headers });
  assert.deepEqual((await answersOf(pings)).map(({ id }) => id).sort(), [2, 3]);
});

Deno.test("what is no batch, or too long a one, is refused, and other revisions have none", async () => {
  await using server = await startServer({ settings: { limits: { enabled: true } } });
  const headers = await openSession(server, WITH_BATCHES);
  const refused = async (body: unknown, given = headers) => {
    const response = await legacy(server, body, { headers: given });
    const { error } = await response.json();
    return [response.status, error.code];
  };
  assert.deepEqual(await refused([]), [400, -32600]);
  assert.deepEqual(await refused(Array.from({ length: 33 }, (_, i) => ({ ...ping, id: i }))), [400, -32600]);
  assert.deepEqual(await refused([initialize(WITH_BATCHES)]), [400, -32600]);
  assert.deepEqual(await refused([initialize(WITH_BATCHES)], {}), [400, -32000]);
  assert.deepEqual(await refused([ping, { ...ping, method: "tools/list" }]), [400, -32600], "one id for two");
  const newer = await openSession(server, "2025-06-18");
  assert.deepEqual(await refused([ping], newer), [400, -32600]);
});

Deno.test("each message of a batch counts, so that nobody asks for more in that way", async () => {
  await using server = await startServer({
    settings: { limits: { enabled: true, classes: { read: { per_second: 1, burst: 20 } } } },
  });
  const headers = await openSession(server, WITH_BATCHES);
  const batch = Array.from({ length: 32 }, (_, i) => ({ ...ping, id: i }));
  const response = await legacy(server, batch, { headers });
  assert.equal(response.status, 429, await response.text());
});

Deno.test("they are taken over connections that stay, too", async () => {
  await using server = await startServer();
  const { socket, got } = await openSocket(server, USER_KEY, [initialize(WITH_BATCHES)]);
  await until("it is begun", () => got.length === 1);
  socket.send(JSON.stringify([initialized, ping, { ...ping, id: 3 }]));
  await until("both are answered", () => got.length === 3);
  assert.deepEqual(got.slice(1).map(({ id }) => id).sort(), [2, 3]);
  socket.close();
});
