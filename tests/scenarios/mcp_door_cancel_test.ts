import { strict as assert } from "node:assert";
import { connect, ERAS, modern } from "../support/mcp_door.ts";
import { startProvider } from "../support/provider.ts";
import { startServer } from "../support/server.ts";
import { untilStatus } from "../support/story.ts";

/** More than what a server reads without being asked to, so that only a stream tells that the client left. */
const LONG = "A long question. ".repeat(200);
const endless = { tokens: ["Well", "…"], delay: 600_000 };

for (const era of ERAS) {
  Deno.test(`a client of ${era} that cancels stops the run`, async () => {
    await using provider = await startProvider({ script: endless });
    await using server = await startServer({ provider: provider.url });
    await using client = await connect(server, { era });
    const stopping = new AbortController();
    const calling = client.callTool({ name: "agent__assistant", arguments: { message: LONG } }, {
      signal: stopping.signal,
    });
    const request = await provider.received();
    stopping.abort();
    await assert.rejects(calling);
    await request.settled;
    assert.ok(request.closed_at !== null);
    const { data } = await (await server.request("GET", "/runs")).json();
    await untilStatus(server, data[0].id, "cancelled");
    // The session, where there is one, lives on.
    assert.ok((await client.listTools()).tools.length > 0);
  });
}

Deno.test("a client of the newest revision that just leaves stops the run, also before the first word", async () => {
  await using provider = await startProvider({ script: { hang: true } });
  await using server = await startServer({ provider: provider.url });
  const leaving = new AbortController();
  const params = { name: "agent__assistant", arguments: { message: LONG } };
  const response = await modern(server, "tools/call", params, { signal: leaving.signal });
  assert.equal(response.headers.get("content-type"), "text/event-stream; charset=utf-8");
  const request = await provider.received();
  leaving.abort();
  await response.body?.cancel().catch(() => {});
  await request.settled;
  const { data } = await (await server.request("GET", "/runs")).json();
  await untilStatus(server, data[0].id, "cancelled");
});

Deno.test("an answer that is there at once is plain JSON", async () => {
  await using server = await startServer();
  const response = await modern(server, "tools/call", { name: "agent_get", arguments: { agent_id: "assistant" } });
  assert.equal(response.headers.get("content-type"), "application/json");
  const { result } = await response.json();
  assert.equal(result.resultType, "complete");
  assert.equal(result.structuredContent.id, "assistant");
  assert.equal(result._meta["io.modelcontextprotocol/serverInfo"].name, "muxi");
});
