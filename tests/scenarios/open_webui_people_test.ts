/**
 * The people of an Open WebUI that has MUXI as a tool server: one key, many users, each named by the headers.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { createClient, ERAS, lastMessage, modern } from "../support/mcp_door.ts";
import { startServer, type TestServer, USER_KEY } from "../support/server.ts";
import { SIGNING_SECRET, signUser } from "../support/signed_user.ts";
import { ask, type Json } from "../support/story.ts";
import { scriptedToolbox } from "../support/toolbox.ts";

const SIGNED = "x-openwebui-user-jwt";
const hello = { name: "agent__assistant", arguments: { message: "Hello" } };

/** A server for one Open WebUI, with a tool that tells for whom it is called. */
function startShared({ secret = SIGNING_SECRET } = {}): Promise<TestServer> {
  const whoami = {
    server: "desk",
    act: (_: unknown, __: AbortSignal, { user_id = "nobody" }: Json) => ({ result: user_id, is_error: false }),
  };
  return startServer({
    settings: { auth: { open_webui_secret: secret, user_scopes: ["tools"] } },
    ports: { toolbox: scriptedToolbox({ desk__whoami: whoami }) },
  });
}

const signed = async (sub: string) => ({ [SIGNED]: await signUser({ sub }) });

/** What is wrong with what somebody says of themselves, by what is wrong. */
async function frauds(): Promise<Record<string, Record<string, string>>> {
  return {
    unsigned: { "x-openwebui-user-id": "ann" },
    "of another": { [SIGNED]: await signUser({ secret: "another secret of more than 32 bytes" }) },
    old: { [SIGNED]: await signUser({ expires: "-5m" }) },
    empty: { [SIGNED]: "", "x-muxi-user": "ann" },
  };
}

for (const era of ERAS) {
  Deno.test(`what one person said over MCP of ${era} is nothing to the next`, async () => {
    await using server = await startShared();
    const as = async (user: string) => {
      const client = createClient({ era });
      const headers = { authorization: `Bearer ${USER_KEY}`, ...await signed(user) };
      const url = new URL(`${server.url}/mcp?user_id=everybody`);
      await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers } }));
      return Object.assign(client, { [Symbol.asyncDispose]: () => client.close() });
    };
    await using ann = await as("ann");
    await using bob = await as("bob");
    const { conversation_id } = (await ann.callTool(hello)).structuredContent as Json;
    const uri = `muxi://conversations/${conversation_id}`;
    const get = (args: Json) => ({ name: "conversation_get", arguments: args });
    assert.equal(((await ann.callTool(get({ conversation_id }))).structuredContent as Json).messages.length, 2);
    assert.equal((await ann.readResource({ uri })).contents.length, 1);
    for (const args of [{ conversation_id }, { conversation_id, user_id: "ann" }, { conversation_id: "ann" }]) {
      const { isError, content } = await bob.callTool(get(args));
      assert.equal(isError, true, JSON.stringify(content));
    }
    await assert.rejects(bob.readResource({ uri }), /not found/i);
    assert.deepEqual((await bob.listResources()).resources, []);
    const owners = (await ask(server, "GET /conversations?user_id=ann")).data.map(({ user_id }: Json) => user_id);
    assert.deepEqual(owners, ["ann"]);
  });
}

Deno.test("a session of one person is none of the next", async () => {
  await using server = await startShared();
  const post = async (user: string, body: Json, session?: string) => {
    const response = await fetch(`${server.url}/mcp`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${USER_KEY}`,
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        ...session !== undefined && { "mcp-session-id": session },
        ...await signed(user),
      },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, ...body }),
    });
    await response.text();
    return response;
  };
  const params = { protocolVersion: ERAS[1], capabilities: {}, clientInfo: { name: "tests", version: "1" } };
  const session = (await post("ann", { method: "initialize", params })).headers.get("mcp-session-id")!;
  const statuses = [await post("ann", { method: "ping" }, session), await post("bob", { method: "ping" }, session)];
  assert.deepEqual(statuses.map(({ status }) => status), [200, 404]);
});

Deno.test("a tool is called for the person, over MCP and by its path", async () => {
  await using server = await startShared();
  const byPath = async (headers: Record<string, string>) =>
    await (await server.request("POST", "^/tools/desk__whoami", { body: {}, headers })).text();
  for (const user of ["ann", "bob"]) {
    const headers = await signed(user);
    assert.equal(await byPath(headers), user);
    const { result } = await lastMessage(await modern(server, "tools/call", { name: "desk__whoami" }, { headers }));
    assert.equal(result.content[0].text, user);
  }
  assert.equal(await byPath({}), "nobody");
  await using trusting = await startShared({ secret: "" });
  const headers = { "x-openwebui-user-id": "ann" };
  assert.equal(await (await trusting.request("POST", "^/tools/desk__whoami", { body: {}, headers })).text(), "ann");
});

Deno.test("who is not signed, or signed wrongly, gets nothing from either door", async () => {
  await using server = await startShared();
  for (const [what, headers] of Object.entries(await frauds())) {
    const asked = [
      modern(server, "tools/call", hello, { headers }),
      server.request("GET", "^/api/v1/mcp/stream", { headers }),
      server.request("GET", "^/tools/openapi.json", { headers }),
      server.request("POST", "^/tools/desk__whoami", { body: {}, headers }),
    ];
    for (const response of await Promise.all(asked)) {
      assert.equal(response.status, 401, `${what}: ${response.url}`);
      assert.match(await response.text(), /Cannot (believe|accept)/, what);
    }
  }
  assert.equal((await ask(server, "GET /runs")).data.length, 0);
  const headers = await signed("ann");
  const keyless = await server.request("POST", "^/tools/desk__whoami", { key: null, body: {}, headers });
  assert.equal(keyless.status, 401);
  await keyless.body?.cancel();
});
