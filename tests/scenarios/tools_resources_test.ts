/**
 * Agents that list and read what their tool servers let read.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { connectorForTests } from "../support/mcp_client_connector.ts";
import { EVERYTHING } from "../support/mcp_client_real.ts";
import { failure, resource, scriptedConnector, ScriptedServer } from "../support/mcp_hub_connector.ts";
import { startProvider } from "../support/provider.ts";
import { startServer } from "../support/server.ts";
import { ask, askAdmin, createAgent, eventsOf, type Json, saidTo, until, untilStatus } from "../support/story.ts";

const PICTURE = new TextEncoder().encode("not really a picture").toBase64();

const list = (args: Json = {}) => ({ tool_calls: [{ name: "resource_list", arguments: args }] });
const read = (uri: string, server = "library") => {
  return { tool_calls: [{ name: "resource_read", arguments: { server, uri } }] };
};
const done = { tokens: ["Well"] };

/** An agent at a library, and beside it a server that it isn't attached to; its model says `script`. */
async function reader(script: Json, agent: Json = {}) {
  await using stack = new AsyncDisposableStack();
  const provider = stack.use(await startProvider({ script: [...script, done] }));
  const library = new ScriptedServer();
  library.resources = [
    resource("book://1", { name: "Moby Dick", description: "A whale", media_type: "text/plain" }),
    resource("book://2", { name: "Walden", description: "A pond" }),
    resource("book://{id}", { template: true, name: "any" }),
  ];
  library.secrets = ["correct horse battery"];
  const archive = new ScriptedServer();
  archive.resources = [resource("file://1", { name: "Papers about a whale" })];
  const at = (name: string) => ({ name, url: `https://${name}.test/mcp` });
  const server = stack.use(
    await startServer({
      provider: provider.url,
      settings: { mcp_servers: [at("library"), at("archive")] },
      ports: { connector: scriptedConnector({ library, archive }) },
    }),
  );
  await createAgent(server, "reader", {
    allowed_tools: ["library__*"],
    mcp_servers: [{ name: "library" }],
    resources: true,
    ...agent,
  });
  await until("it can be read", async () => (await askAdmin(server, "GET /resources")).data.length === 4);
  const chat = () => ask(server, "POST /agents/reader/chat", { body: { message: "Read" } });
  /** What the model was told after each of its words. */
  const told = () =>
    provider.requests.slice(1).map((request) => saidTo(request).at(-1)!.replaceAll("\\n", "|").replaceAll("\\", ""));
  const offered = () => provider.requests[0]!.body.tools.map((tool: Json) => tool.function.name);
  const rule = (tools: Json) => {
    return askAdmin(server, "PATCH /policies/library", { body: { create: true, servers: ["library"], tools } });
  };
  const owned = stack.move();
  return { server, library, chat, told, offered, rule, provider, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

Deno.test("the model lists, searches and reads, and each call is a row with its events", async () => {
  const script = [list(), list({ query: "the whale", limit: 1 }), read("book://1"), read("book://77")];
  await using room = await reader(script);
  const { run_id } = await room.chat();
  assert.deepEqual(room.offered(), ["library__echo", "resource_list", "resource_read"]);
  const [all, found, one, made] = room.told();
  assert.deepEqual(JSON.parse(all!.slice(all!.indexOf("{"))), {
    resources: [
      {
        server: "library",
        uri: "book://1",
        name: "Moby Dick",
        template: false,
        description: "A whale",
        media_type: "text/plain",
      },
      { server: "library", uri: "book://2", name: "Walden", template: false, description: "A pond" },
      { server: "library", uri: "book://{id}", name: "any", template: true },
    ],
    of: 3,
  });
  assert.match(found!, /"uri":"book:\/\/1".*"of":1/);
  assert.equal(one, 'tool: "The text of book://1"');
  assert.equal(made, 'tool: "The text of book://77"', "an address that a template makes");
  const events = await eventsOf(room.server, run_id);
  const started = events.filter(({ type }) => type === "tool.call.started");
  assert.deepEqual(started.map(({ data }) => data.tool), [
    "resource_list",
    "resource_list",
    "resource_read",
    "resource_read",
  ]);
  const { data: steps } = await ask(room.server, `GET /runs/${run_id}/steps`);
  const rows = steps.flatMap(({ tool_calls }: Json) => tool_calls);
  assert.deepEqual([rows.length, rows[2].status, rows[2].result], [4, "completed", "The text of book://1"]);
  assert.deepEqual(rows[2].arguments, { server: "library", uri: "book://1" });
});

Deno.test("pictures are shown, secrets are not, long texts are cut, and what isn't there is said", async () => {
  await using room = await reader([read("book://1"), read("book://2"), read("book://3"), read("book://4")]);
  await room.rule({ "resources/read": { max_result_bytes: 1024 } });
  room.library.reading = (uri) => {
    if (uri === "book://1") return [{ type: "resource", uri, blob: PICTURE, media_type: "image/png" }];
    if (uri === "book://2") return [{ type: "resource", uri, text: "x".repeat(5000) }];
    if (uri === "book://3") return ["a", "b"].map((text) => ({ type: "resource", uri: `book://${text}`, text }));
    throw failure("refused", { code: -32002, words: "correct horse battery" });
  };
  const { conversation_id } = await room.chat();
  const shown = room.provider.requests[1]!.body.messages.at(-1).content;
  assert.ok(JSON.stringify(shown).includes(PICTURE), JSON.stringify(shown));
  const [, cut, both, missing] = room.told();
  assert.match(cut!, /x{100}/);
  assert.match(cut!, /truncated: 5000 characters, the first 1024 are kept/);
  assert.equal(both, 'tool: "book://a|a|book://b|b"');
  assert.match(missing!, /NotFoundError|It is refused/);
  assert.ok(!JSON.stringify(room.provider.requests.map(({ body }) => body)).includes("correct horse"));
  const { data } = await ask(room.server, `GET /conversations/${conversation_id}/messages`);
  assert.equal(data.flatMap(({ attachments }: Json) => attachments).length, 1, "the picture is kept");
});

Deno.test("policies of servers and of the agent hold, and other servers are out of reach", async () => {
  const script = [read("book://2"), read("book://1"), read("file://1", "archive"), read("x://1", "nobody"), list()];
  await using room = await reader(script);
  const only = { type: "object", properties: { uri: { const: "book://1" } } };
  await room.rule({ "resources/read": { arguments: only } });
  await room.chat();
  const [other, one, elsewhere, nowhere, all] = room.told();
  assert.match(other!, /book:\/\/1/);
  assert.equal(one, 'tool: "The text of book://1"');
  assert.match(elsewhere!, /add \{ name: archive \} to mcp_servers/);
  assert.match(nowhere!, /add \{ name: nobody \} to mcp_servers/);
  assert.doesNotMatch(all!, /archive/);

  await using banned = await reader([read("book://1"), list()], { policies: { deny: ["*__resources/read"] } });
  await banned.chat();
  assert.deepEqual(banned.offered(), ["library__echo"]);
  assert.match(banned.told()[0]!, /take "\*__resources\/read" out of policies\.deny/);
  assert.match(banned.told()[1]!, /None of 0 fits/);

  await using denied = await reader([read("book://1")]);
  await denied.rule({ "*": { decision: "deny" } });
  await denied.chat();
  assert.equal(denied.provider.requests[0]!.body.tools, undefined);
  assert.match(denied.told()[0]!, /policy "library" denies it/);
});

Deno.test("a reading that wants a person waits for one", async () => {
  await using room = await reader([read("book://1"), read("book://2")]);
  await room.rule({ "resources/read": { decision: "ask", reason: "Books are dear" } });
  const { id } = await ask(room.server, "POST /conversations", { body: {} });
  await ask(room.server, `POST /conversations/${id}/messages`, { body: { content: "Read" } });
  const run = await ask(room.server, `POST /conversations/${id}/runs`, { body: { agent_id: "reader" } });
  for (const decision of ["approve", "deny"]) {
    await untilStatus(room.server, run.id, "waiting");
    const { data: [{ tool, tool_call_id, reason }] } = await ask(room.server, "GET /approvals");
    assert.equal(tool, "resource_read");
    assert.match(reason, /Books are dear/);
    const path = `POST /runs/${run.id}/tool_calls/${tool_call_id}/decision`;
    await ask(room.server, path, { body: { decision } });
    await until(
      "it goes on",
      async () => (await ask(room.server, "GET /approvals")).data[0]?.tool_call_id !== tool_call_id,
    );
  }
  await untilStatus(room.server, run.id, "completed");
  assert.equal(room.told()[0], 'tool: "The text of book://1"');
  assert.match(room.told()[1]!, /denied/);
});

Deno.test("who did not ask for it has none of it, and it goes with tool search", async () => {
  await using plain = await reader([read("book://1")], { resources: false });
  await plain.chat();
  assert.deepEqual(plain.offered(), ["library__echo"]);
  assert.match(plain.told()[0]!, /add "resource_read" to allowed_tools/);
  const call = {
    tool_calls: [{
      name: "tool_call",
      arguments: { name: "resource_read", arguments: read("book://1").tool_calls[0]!.arguments },
    }],
  };
  await using searching = await reader([call], { tool_search: true });
  await searching.chat();
  assert.deepEqual(searching.offered(), ["tool_search", "tool_call", "resource_list", "resource_read"]);
  assert.equal(searching.told()[0], 'tool: "The text of book://1"');
  assert.equal((await askAdmin(searching.server, "GET /agents/reader")).resources, true);
});

Deno.test("an agent finds and reads a document and a made address of a real server", async () => {
  await using stack = new AsyncDisposableStack();
  const script = [
    list({ query: "architecture", server: "everything" }),
    read("demo://resource/static/document/architecture.md", "everything"),
    read("demo://resource/dynamic/text/7", "everything"),
    read("demo://resource/dynamic/text/none", "everything"),
    done,
  ];
  const provider = stack.use(await startProvider({ script }));
  const args = ["run", "-A", "--no-config", "--no-lock", EVERYTHING];
  const server = stack.use(
    await startServer({
      provider: provider.url,
      settings: { mcp_servers: JSON.stringify({ mcpServers: { everything: { command: Deno.execPath(), args } } }) },
      // Which programs may do what is told elsewhere: here they run as they are.
      ports: { connector: { ...connectorForTests(), finishSignIn: () => Promise.reject(new Error("not used here")) } },
    }),
  );
  await createAgent(server, "tester", { mcp_servers: [{ name: "everything" }], resources: true });
  await until("it can be read", async () => (await askAdmin(server, "GET /resources")).data.length > 0);
  const { message } = await ask(server, "POST /agents/tester/chat", { body: { message: "Read" } });
  assert.equal(message.content, "Well");
  const told = provider.requests.slice(1).map((request) => saidTo(request).at(-1)!);
  assert.match(told[0]!, /demo:\/\/resource\/static\/document\/architecture\.md/);
  assert.match(told[1]!, /Everything/);
  assert.match(told[2]!, /Resource 7: This is a plaintext resource/);
  assert.match(told[3]!, /Cannot read|failed|refused|Unknown resource/);
});
