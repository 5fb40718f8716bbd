/**
 * What servers behind this one let read, at the MCP door.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import type { Client } from "@modelcontextprotocol/client";
import { connect, ERAS, lastMessage, modern } from "../support/mcp_door.ts";
import { offered, resource, scriptedConnector, ScriptedServer } from "../support/mcp_hub_connector.ts";
import { startServer } from "../support/server.ts";
import { createAgent, type Json, until } from "../support/story.ts";
import { JWT_SECRET, startWorld, tokenOf } from "../support/world.ts";

const ODD = "file:///a b/%2F?x=1#y";

function library(): ScriptedServer {
  const script = new ScriptedServer();
  script.resources = [
    resource("book://1", { title: "One", media_type: "text/plain", size: 3 }),
    resource(ODD),
    resource("book://{id}", { template: true, name: "book" }),
  ];
  script.tools = [offered("find")];
  script.prompts = Array.from({ length: 101 }, (_, i) => ({
    name: `p${String(i).padStart(3, "0")}`,
    arguments: [{ name: "topic", required: true }],
  }));
  script.calling = () => ({
    content: [
      { type: "resource_link", uri: "book://7", name: "Seven" },
      { type: "resource", uri: "book://8", text: "Eight" },
      { type: "resource_link", uri: "https://books.test/9", name: "Nine" },
    ],
    is_error: false,
  });
  script.filling = (name, { topic }) => ({
    description: name,
    messages: [{ role: "user", content: { type: "resource", uri: "book://9", text: `About ${topic}` } }],
  });
  return script;
}

async function house() {
  const script = library();
  const server = await startServer({
    settings: {
      auth: { user_scopes: ["tools"] },
      mcp_servers: [{ name: "library", url: "https://library.test/mcp" }],
    },
    ports: { connector: scriptedConnector({ library: script }) },
  });
  return { script, server, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

/** Every entry of a list in pages. */
async function drain(client: Client, method: "resources/list" | "prompts/list", field: string): Promise<Json[]> {
  const entries: Json[] = [];
  let cursor: string | undefined;
  do {
    const page: Json = await client.request({ method, params: cursor === undefined ? {} : { cursor } });
    entries.push(...page[field]);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return entries;
}

for (const era of ERAS) {
  Deno.test(`a client of ${era} reads resources of other servers under addresses of ours`, async () => {
    await using home = await house();
    await using client = await connect(home.server, { era });
    const listed = await drain(client, "resources/list", "resources");
    assert.deepEqual(listed, [
      { uri: "muxi://servers/library/book://1", name: "book://1", title: "One", mimeType: "text/plain", size: 3 },
      { uri: `muxi://servers/library/${ODD}`, name: ODD },
    ]);
    const { contents } = await client.readResource({ uri: listed[1]!.uri });
    assert.deepEqual(contents, [{ uri: listed[1]!.uri, text: `The text of ${ODD}` }]);
    const { resourceTemplates } = await client.listResourceTemplates();
    assert.deepEqual(resourceTemplates.at(-1), {
      uriTemplate: "muxi://servers/library/book://{id}",
      name: "book",
    });
    const made = await client.readResource({ uri: "muxi://servers/library/book://42" });
    assert.equal((made.contents[0] as Json).text, "The text of book://42");
    for (const uri of ["muxi://servers/nobody/book://1", "muxi://servers/library/", "muxi://servers/library"]) {
      await assert.rejects(client.readResource({ uri }), /not found/i, uri);
    }
    const ref = { type: "ref/resource" as const, uri: "muxi://servers/library/book://{run_id}" };
    const { completion } = await client.complete({ ref, argument: { name: "run_id", value: "" } });
    assert.deepEqual(completion.values, []);
  });

  Deno.test(`a client of ${era} finds what a tool's answer links to, and fills in prompts of other servers`, async () => {
    await using home = await house();
    await createAgent(home.server, "editor", { prompts: [{ name: "review", text: "Review" }] });
    await using client = await connect(home.server, { era });
    await client.listTools();
    const { content }: Json = await client.callTool({ name: "library__find", arguments: {} });
    assert.deepEqual(content.map((part: Json) => part.uri ?? part.resource.uri), [
      "muxi://servers/library/book://7",
      "muxi://servers/library/book://8",
      "https://books.test/9",
    ]);
    await client.readResource({ uri: content[0].uri });
    const names = (await drain(client, "prompts/list", "prompts")).map(({ name }) => name);
    assert.deepEqual([names.length, names[0], names.at(-1)], [102, "editor__review", "library__p100"]);
    const { description, messages } = await client.getPrompt({ name: "library__p001", arguments: { topic: "us" } });
    assert.deepEqual([description, messages], ["p001", [{
      role: "user",
      content: { type: "resource", resource: { uri: "muxi://servers/library/book://9", text: "About us" } },
    }]]);
    await assert.rejects(client.getPrompt({ name: "library__p001" }), { code: -32602 });
  });
}

Deno.test("who subscribes to a resource of another server hears of it", async () => {
  await using home = await house();
  const { script } = home;
  await using older = await connect(home.server, { era: "2025-11-25" });
  await using newer = await connect(home.server);
  const heard: string[] = [];
  for (const client of [older, newer]) {
    client.setNotificationHandler("notifications/resources/updated", ({ params }) => void heard.push(params.uri));
  }
  const uri = "muxi://servers/library/book://1";
  await older.subscribeResource({ uri });
  const listening = await newer.listen({ resourceSubscriptions: [uri] });
  await until("it is watched", () => script.watched!.has("book://1"));
  await until("both hear of it", () => {
    script.updated("book://1");
    return heard.length >= 2;
  });
  assert.deepEqual(new Set(heard), new Set([uri]));
  await listening.close();
  await older.unsubscribeResource({ uri });
  await until("nobody watches", () => script.watched!.size === 0);
  await assert.rejects(older.subscribeResource({ uri: "muxi://servers/nobody/book://1" }));
});

Deno.test("which arguments go into headers, too, is remembered for each tenant by itself", async () => {
  const script = new ScriptedServer();
  const region = { type: "string", "x-mcp-header": "Region" };
  script.tools = [offered("find", { input_schema: { type: "object", properties: { region } } })];
  script.calling = () => ({ content: [{ type: "text", text: "Found" }], is_error: false });
  await using server = await startServer({
    settings: { auth: { mode: "apikey,jwt", jwt: { secret: JWT_SECRET, issuer: "sso" } } },
    ports: { connector: scriptedConnector({ shelf: script }) },
  });
  await createAgent(server, "clerk", { mcp_servers: [{ name: "shelf", url: "https://shelf.test/mcp" }] });
  const tokens = await Promise.all(
    ["default", "other"].map((tenant_id) => tokenOf("ada", { tenant_id, scopes: ["tools", "read", "write"] })),
  );
  const [ours, others] = tokens as [string, string];
  const find = (key: string, headers = {}) => {
    return modern(server, "tools/call", { name: "shelf__find", arguments: { region: "eu" } }, { key, headers });
  };
  const toolsOf = async (key: string) => {
    const { result } = await lastMessage(await modern(server, "tools/list", {}, { key }));
    return result.tools.map(({ name }: Json) => name).filter((name: string) => name.startsWith("shelf__"));
  };
  await until("it is offered", async () => (await toolsOf(ours)).length === 1);
  assert.deepEqual(await toolsOf(others), []);
  const bare = await find(ours);
  await bare.body?.cancel();
  assert.equal(bare.status, 400, "the header is missing");
  const { result } = await lastMessage(await find(ours, { "mcp-param-region": "eu" }));
  assert.equal(result.content[0].text, "Found");
});

Deno.test("a key without the scope is offered nothing of other servers", async () => {
  await using world = await startWorld();
  await using client = await connect(world.server, { key: await tokenOf("ada") });
  assert.deepEqual(await drain(client, "resources/list", "resources"), []);
  assert.deepEqual(await drain(client, "prompts/list", "prompts"), []);
  await assert.rejects(client.readResource({ uri: "muxi://servers/library/library://news" }), /scope "tools"/);
  await assert.rejects(client.getPrompt({ name: "library__greet" }), { code: -32602 });
});
