/**
 * Completion of arguments at the MCP door: our own prompts, and what real and scripted servers behind it propose.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import type { Client } from "@modelcontextprotocol/client";
import { connectorForTests, toConnectOptions, toServer } from "../support/mcp_client_connector.ts";
import { EVERYTHING } from "../support/mcp_client_real.ts";
import { connect, ERAS } from "../support/mcp_door.ts";
import { failure, resource, scriptedConnector, ScriptedServer } from "../support/mcp_hub_connector.ts";
import { ADMIN_KEY, startServer } from "../support/server.ts";
import { ask, askAdmin, createAgent, type Json, until } from "../support/story.ts";
import { JWT_SECRET, tokenOf } from "../support/world.ts";

/** What is proposed for an argument of a prompt, or of a template. */
async function propose(client: Client, of: string, name: string, value = "", known: Record<string, string> = {}) {
  const ref = of.includes("://")
    ? { type: "ref/resource" as const, uri: of }
    : { type: "ref/prompt" as const, name: of };
  const context = Object.keys(known).length > 0 ? { context: { arguments: known } } : {};
  return (await client.complete({ ref, argument: { name, value }, ...context })).completion;
}

/** A server with a scripted one behind it, which has a prompt and a template. */
async function shelf(completing: ScriptedServer["completing"], settings: Json = {}) {
  const book = new ScriptedServer();
  book.prompts = [{
    name: "tell.me",
    arguments: [{ name: "topic", required: true }, { name: "tone", required: false }],
  }, { name: "hide", arguments: [{ name: "topic", required: false }] }];
  book.resources = [resource("book://{id}", { template: true }), resource("book://1")];
  book.completing = completing;
  book.secrets = [SECRET];
  const server = await startServer({
    settings: {
      auth: { user_scopes: ["tools"] },
      mcp_servers: [{ name: "book", url: "https://book.test/mcp" }],
      ...settings,
    },
    ports: { connector: scriptedConnector({ book }) },
  });
  await until("its prompts are there", async () => (await askAdmin(server, "GET /prompts")).data.length === 2);
  const { data } = await askAdmin(server, "GET /prompts");
  const name: string = data.find(({ own_name }: Json) => own_name === "tell.me").name;
  return { book, server, name, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

const SECRET = "correct horse battery";
const OF_BOOK = "muxi://servers/book/book://{id}";

Deno.test("a real server proposes values for its prompts and templates, to clients of both eras and over REST", async () => {
  const args = ["run", "-A", "--no-config", "--no-lock", EVERYTHING];
  await using server = await startServer({
    settings: {
      auth: { user_scopes: ["tools"] },
      mcp_servers: JSON.stringify({ mcpServers: { everything: { command: Deno.execPath(), args } } }),
    },
    // Which programs may do what is told elsewhere: here they run as they are.
    ports: { connector: { ...connectorForTests(), finishSignIn: () => Promise.reject(new Error("not used here")) } },
  });
  await until("its prompts are there", async () => (await ask(server, "GET /prompts")).data.length > 0);
  const prompt = "everything__completable-prompt";
  for (const era of ERAS) {
    await using client = await connect(server, { era });
    assert.ok(client.getServerCapabilities()?.completions);
    const listed = (await client.listPrompts()).prompts.map(({ name }) => name);
    assert.ok(listed.includes(prompt), listed.join());
    assert.deepEqual(await propose(client, prompt, "department"), {
      values: ["Engineering", "Sales", "Marketing", "Support"],
      total: 4,
      hasMore: false,
    });
    assert.deepEqual((await propose(client, prompt, "department", "S")).values, ["Sales", "Support"]);
    const name = await propose(client, prompt, "name", "", { department: "Sales" });
    assert.deepEqual(name.values, ["David", "Eve", "Frank"], "the other arguments reach it");
    const { resourceTemplates } = await client.listResourceTemplates();
    const template = resourceTemplates.find(({ uriTemplate }) => uriTemplate.includes("dynamic/text"))!.uriTemplate;
    assert.deepEqual((await propose(client, template, "resourceId", "7")).values, ["7"]);
    assert.deepEqual((await propose(client, template, "resourceId", "x")).values, []);
    await assert.rejects(propose(client, prompt, "nobody"), { code: -32602 });
    await assert.rejects(propose(client, "everything__nothing", "name"), { code: -32602 });
  }
  const body = { argument: "name", value: "J", arguments: { department: "Support" } };
  const completion = await ask(server, `POST /prompts/${prompt}/complete`, { body });
  assert.deepEqual(completion, { values: ["John"], total: 1, has_more: false });
  const uri = "demo://resource/dynamic/text/{resourceId}";
  const found = await ask(server, "POST /resources/complete", { body: { uri, argument: "resourceId", value: "3" } });
  assert.deepEqual(found.values, ["3"]);
  await ask(server, "POST /resources/complete", { body: { uri: "demo://{none}", argument: "none" }, status: 404 });
});

for (const era of ERAS) {
  Deno.test(`an agent's prompts are completed from their values and from our own ids (${era})`, async () => {
    await using server = await startServer();
    const argument = (name: string, values?: string[]) => ({ name, ...values && { values } });
    const values = Array.from({ length: 150 }, (_, i) => `Value ${i}`);
    const prompt = (name: string, args: Json[]) => ({ name, text: "Do it", arguments: args });
    await createAgent(server, "editor", {
      prompts: [
        prompt("review", [argument("style", ["brief", "British", "long"]), argument("many", values), argument("free")]),
        prompt("sum_up", [argument("conversation_id")]),
      ],
    });
    const { id } = await ask(server, "POST /conversations", { body: {} });
    await using client = await connect(server, { era });
    assert.deepEqual((await propose(client, "editor__review", "style", "br")).values, ["brief", "British"]);
    const many = await propose(client, "editor__review", "many");
    assert.deepEqual([many.values.length, many.total, many.hasMore], [100, 150, true]);
    assert.deepEqual((await propose(client, "editor__review", "free", "a")).values, []);
    assert.deepEqual((await propose(client, "editor__sum_up", "conversation_id", id.slice(0, 8))).values, [id]);
    for (const [of, name] of [["editor__review", "none"], ["editor__none", "style"], ["nobody__review", "style"]]) {
      await assert.rejects(propose(client, of!, name!), { code: -32602 }, `${of} ${name}`);
    }
  });

  Deno.test(`the client asks a server of ${era} for values, by its own names`, async () => {
    await using home = await shelf(({ of, argument, value, arguments: known }) => ({
      values: [JSON.stringify(of), argument, value, JSON.stringify(known)],
      has_more: true,
    }));
    const definition = toServer({ url: `${home.server.url}/mcp`, headers: { authorization: `Bearer ${ADMIN_KEY}` } });
    const remembered = { era, type: "streamable_http" } as const;
    const connection = await connectorForTests().connect(definition, toConnectOptions({ remembered }));
    await using _ = { [Symbol.asyncDispose]: () => connection.close() };
    assert.equal(connection.era, era);
    const { signal } = new AbortController();
    const typed = { argument: "topic", value: "se", arguments: { tone: "kind" } };
    assert.deepEqual(await connection.complete!({ of: { prompt: home.name }, ...typed }, { signal }), {
      values: ['{"prompt":"tell.me"}', "topic", "se", '{"tone":"kind"}'],
      has_more: true,
    });
    const ofTemplate = { of: { uri: OF_BOOK }, argument: "id", value: "", arguments: {} };
    const { values } = await connection.complete!(ofTemplate, { signal });
    assert.deepEqual(values, ['{"uri":"book://{id}"}', "id", "", "{}"]);
  });
}

Deno.test("whoever may not read is proposed nothing, and a rule about a prompt is one about its arguments' values", async () => {
  const asked: string[] = [];
  await using home = await shelf((request) => {
    asked.push(JSON.stringify(request.of));
    return { values: ["one"], has_more: false };
  }, { auth: { mode: "apikey,jwt", jwt: { secret: JWT_SECRET, issuer: "sso" }, user_scopes: ["tools"] } });
  const { server, name } = home;
  const rule = (tools: Json) => {
    return askAdmin(server, "PATCH /policies/book", { body: { create: true, servers: ["book"], tools } });
  };
  const only = { type: "object", properties: { prompt: { const: "tell.me" } }, required: ["topic"] };
  await rule({ "prompts/get": { arguments: only }, "resources/read": { decision: "deny" } });
  const body = { argument: "topic" };
  assert.deepEqual((await ask(server, `POST /prompts/${name}/complete`, { body })).values, ["one"]);
  await ask(server, "POST /prompts/book__hide/complete", { body, status: 403 });
  const template = { uri: "book://{id}", server: "book", argument: "id" };
  await ask(server, "POST /resources/complete", { body: template, status: 403 });
  await using client = await connect(server);
  await assert.rejects(propose(client, OF_BOOK, "id"), /denies it/);
  await using stranger = await connect(server, { key: await tokenOf("eve", { scopes: ["read", "write"] }) });
  await assert.rejects(propose(stranger, name, "topic"), { code: -32602 });
  await using other = await connect(server, { key: await tokenOf("eve", { tenant_id: "other", scopes: ["tools"] }) });
  await assert.rejects(propose(other, name, "topic"), { code: -32602 });
  await assert.rejects(propose(other, OF_BOOK, "id"), { code: -32602 });
  assert.deepEqual(asked, ['{"prompt":"tell.me"}'], "nobody else was heard");
});

Deno.test("what a server proposes holds no secret; one that can't, or fails, says so in its own way", async () => {
  await using home = await shelf(() => ({ values: [`it is ${SECRET}`, "fine"], has_more: false }));
  const { book, server, name } = home;
  const complete = (status = 200) => {
    return ask(server, `POST /prompts/${name}/complete`, { body: { argument: "topic" }, status });
  };
  assert.deepEqual((await complete()).values, ["it is [masked]", "fine"]);
  book.completing = () => Promise.reject(failure("refused", { code: -32601 }));
  assert.deepEqual(await complete(), { values: [], has_more: false });
  book.completing = () => Promise.reject(failure("refused", { code: -32602 }));
  await complete(404);
  book.completing = () => Promise.reject(failure("protocol"));
  await complete(502);
  await using bare = await shelf(undefined);
  const body = { argument: "topic" };
  assert.deepEqual(await ask(bare.server, `POST /prompts/${bare.name}/complete`, { body }), {
    values: [],
    has_more: false,
  });
});

Deno.test("typing takes nothing from what may be read in a minute, and nobody waits for long", async () => {
  await using home = await shelf(() => ({ values: [], has_more: false }));
  const { book, server, name } = home;
  const tools = { "prompts/get": { per_minute: 1, timeout_seconds: 0.2 } };
  await askAdmin(server, "PATCH /policies/book", { body: { create: true, servers: ["book"], tools } });
  const complete = (status: number) => {
    return ask(server, `POST /prompts/${name}/complete`, { body: { argument: "topic" }, status });
  };
  for (let i = 0; i < 3; i++) await complete(200);
  const get = (status: number) =>
    ask(server, `POST /prompts/${name}/get`, { body: { arguments: { topic: "a" } }, status });
  await get(200);
  await get(429);
  const told = Promise.withResolvers<void>();
  book.completing = (_, { signal }) => {
    signal.addEventListener("abort", () => told.resolve());
    return new Promise(() => {});
  };
  await complete(408);
  await told.promise;
});

Deno.test("the JSON bridge completes, too, and says what is missing", async () => {
  await using home = await shelf(({ value }) => ({ values: [`${value}!`], has_more: false }));
  const request = (params: Json, status = 200) => {
    return ask(home.server, "POST /mcp/request", { body: { method: "completion/complete", params }, status });
  };
  const ref = { type: "ref/prompt", name: home.name };
  const { completion } = await request({ ref, argument: { name: "topic", value: "a" } });
  assert.deepEqual(completion, { values: ["a!"], hasMore: false });
  const argument = { name: "topic", value: "" };
  for (
    const params of [
      {},
      { ref: null, argument },
      { ref: { type: "ref/prompt" }, argument },
      { ref: { type: "ref/tool", name: "x" }, argument },
      { ref, argument: { name: "topic" } },
      { ref: { type: "ref/prompt", name: "book__none" }, argument },
      { ref, argument, context: { arguments: { topic: 1 } } },
    ]
  ) {
    const { error } = await request(params, 400);
    assert.equal(error, "ValidationError", JSON.stringify(params));
  }
});
