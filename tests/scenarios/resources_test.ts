/**
 * Resources and prompts of tool servers, for whoever may read them.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { streamFrames } from "../support/events.ts";
import { failure, resource, scriptedConnector, ScriptedServer } from "../support/mcp_hub_connector.ts";
import { ADMIN_KEY, startServer } from "../support/server.ts";
import { ask, askAdmin, type Json, until } from "../support/story.ts";
import { startWorld, tokenOf } from "../support/world.ts";

const SCOPED = { auth: { user_scopes: ["tools"] }, mcp_servers: [] as Json[] };

/** A server with tool servers of `scripts`. */
async function shelf(scripts: Record<string, ScriptedServer>, definitions: Record<string, Json> = {}) {
  const mcp_servers = Object.keys(scripts).map((name) => ({
    name,
    url: `https://${name}.test/mcp`,
    ...definitions[name],
  }));
  const server = await startServer({
    settings: { ...SCOPED, mcp_servers },
    ports: { connector: scriptedConnector(scripts) },
  });
  const rule = (servers: string, tools: Json) =>
    askAdmin(server, `PATCH /policies/${servers}`, { body: { create: true, servers: [servers], tools } });
  return { server, rule, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

function readable(...uris: string[]): ScriptedServer {
  const script = new ScriptedServer();
  script.resources = uris.map((uri) => resource(uri));
  return script;
}

const content = (uri: string, server?: string) =>
  `GET /resources/content?${new URLSearchParams({ uri, ...server !== undefined && { server } })}`;

Deno.test("resources of all servers are one list in pages; one server that is down hides none of the others", async () => {
  const [a, b, broken] = [readable("a://1", "a://2", "a://3"), readable("b://1"), new ScriptedServer()];
  a.resources.push(resource("a://{id}", { template: true, name: "any" }));
  broken.connecting = () => Promise.reject(failure("unreachable"));
  await using home = await shelf({ b, broken, a });
  const seen: string[] = [];
  for (let path = "GET /resources?limit=2", more = true; more;) {
    const { data, next_cursor } = await ask(home.server, path);
    seen.push(...data.map(({ server, uri }: Json) => `${server} ${uri}`));
    more = next_cursor !== null;
    path = `GET /resources?limit=2&cursor=${next_cursor}`;
  }
  assert.deepEqual(seen, ["a a://1", "a a://2", "a a://3", "a a://{id}", "b b://1"]);
  const back = await ask(home.server, "GET /resources?order=desc&limit=1&cursor=a:2");
  assert.deepEqual(back.data.map(({ uri }: Json) => uri), ["a://2"]);
  const templates = await ask(home.server, "GET /resources?template=true");
  assert.deepEqual(templates.data, [{ server: "a", uri: "a://{id}", template: true, name: "any" }]);
  assert.equal((await ask(home.server, "GET /resources?server=b")).data.length, 1);
});

Deno.test("a resource is read where it is; what several servers have is asked for with the server", async () => {
  const [a, b] = [readable("a://1", "both://1"), readable("both://1")];
  await using home = await shelf({ a, b });
  const { server } = home;
  assert.deepEqual(await ask(server, content("a://1")), {
    server: "a",
    uri: "a://1",
    contents: [{ type: "resource", uri: "a://1", text: "The text of a://1" }],
  });
  const conflict = await ask(server, content("both://1"), { status: 409 });
  assert.deepEqual(conflict.details.servers, ["a", "b"]);
  assert.equal((await ask(server, content("both://1", "b"))).server, "b");
  assert.match((await ask(server, content("a://9"), { status: 404 })).message, /name its "server"/);
  assert.equal((await ask(server, content("a://9", "a"))).uri, "a://9", "a template may have made it");
  await ask(server, content("a://1", "nobody"), { status: 404 });
  a.reading = () => Promise.reject(failure("refused", { code: -32002 }));
  await ask(server, content("a://9", "a"), { status: 404 });
  a.reading = () => Promise.reject(failure("refused", { code: -32603 }));
  await ask(server, content("a://9", "a"), { status: 502 });
});

Deno.test("a read survives the loss of the connection, and wakes a server that rests", async () => {
  const a = readable("a://1");
  await using home = await shelf({ a }, { a: { idle_seconds: 3 } });
  let count = 0;
  a.reading = (uri) =>
    count++ === 0 ? Promise.reject(failure("closed", { sent: true })) : [{ type: "text", text: uri }];
  await ask(home.server, content("a://1"));
  assert.deepEqual([count, a.connects], [2, 2]);
  await until("it rests", () => a.open === 0);
  assert.equal((await ask(home.server, "GET /resources")).data.length, 1, "its list is kept");
  await ask(home.server, content("a://1"));
  assert.equal(a.connects, 3);
});

Deno.test("rules for resources/read decide, also those for everything, and what is denied isn't listed", async () => {
  const a = readable("a://1", "a://secret");
  await using home = await shelf({ a });
  const { server, rule } = home;
  await rule("a", { "resources/read": { arguments: { properties: { uri: { pattern: "^a://[0-9]+$" } } } } });
  await ask(server, content("a://1"));
  assert.match((await ask(server, content("a://secret"), { status: 403 })).message, /a__resources\/read/);
  await rule("a", { "resources/read": { per_minute: 1 } });
  await ask(server, content("a://1"));
  await ask(server, content("a://1"), { status: 429 });
  await rule("a", { "resources/read": { max_result_bytes: 1024 } });
  a.reading = (uri) => [{ type: "resource", uri, text: "x".repeat(2000) }];
  assert.match((await ask(server, content("a://1"), { status: 502 })).message, /at most 1024/);
  a.reading = (uri) => [{ type: "resource", uri, text: "x" }];
  await rule("a", { "resources/read": { decision: "ask" } });
  assert.match((await ask(server, content("a://1"), { status: 403 })).message, /leaves it to a person/);
  await askAdmin(server, content("a://1"));
  await rule("a", { "resources/read": null, "*": { decision: "deny", reason: "Not today" } });
  assert.match((await askAdmin(server, content("a://1"), { status: 403 })).message, /Not today/);
  assert.deepEqual((await ask(server, "GET /resources")).data, []);
});

Deno.test("a server that is silent holds nobody", async () => {
  const a = readable("a://1");
  a.reading = () => new Promise(() => {});
  await using home = await shelf({ a }, { a: { timeout_seconds: 0.1 } });
  assert.match((await ask(home.server, content("a://1"), { status: 408 })).message, /0\.1 s passed/);
});

Deno.test("what a server was trusted with is in nothing that is listed or read", async () => {
  const a = readable("a://1");
  a.secrets = ["from-a-file-123"];
  a.resources[0]!.description = "Opened by geheim-123 and from-a-file-123";
  a.reading = (uri) => [{ type: "resource", uri, text: "geheim-123 from-a-file-123" }];
  a.prompts = [{ name: "p", description: "geheim-123", arguments: [] }];
  a.filling = () => ({
    description: "geheim-123",
    messages: [{ role: "assistant", content: { type: "text", text: "from-a-file-123" } }],
  });
  await using home = await shelf({ a }, { a: { headers: { "x-key": "geheim-123" } } });
  const told = [
    await ask(home.server, "GET /resources"),
    await ask(home.server, content("a://1")),
    await ask(home.server, "GET /prompts"),
    await ask(home.server, "POST /prompts/a__p/get", { body: {} }),
  ];
  assert.equal(told[3].messages[0].content.text, "[masked]");
  assert.doesNotMatch(JSON.stringify(told), /geheim|from-a-file/);
});

Deno.test("prompts have names among all servers, and are filled in for the user who asks", async () => {
  const [a, b] = [new ScriptedServer(), new ScriptedServer()];
  a.prompts = [{ name: "review code!", title: "Review", arguments: [{ name: "code", required: true }] }];
  b.prompts = [{ name: "greet", arguments: [] }];
  let user: string | undefined;
  a.filling = (name, args, { user_id }) => {
    user = user_id;
    const text = `${name}: ${args.code}`;
    return { description: "How", messages: [{ role: "assistant", content: { type: "text", text } }] };
  };
  await using home = await shelf({ a, b });
  const { data } = await ask(home.server, "GET /prompts");
  assert.deepEqual(data.map(({ own_name }: Json) => own_name), ["review code!", "greet"]);
  const [{ name }] = data;
  assert.match(name, /^a__review_code__[0-9a-f]{8}$/);
  const filled = await ask(home.server, `POST /prompts/${name}/get`, {
    body: { arguments: { code: "1 + 1" }, user_id: "ada" },
  });
  assert.deepEqual(filled, {
    description: "How",
    messages: [{ role: "assistant", content: { type: "text", text: "review code!: 1 + 1" } }],
  });
  assert.equal(user, "ada");
  const missing = await ask(home.server, `POST /prompts/${name}/get`, { body: {}, status: 400 });
  assert.match(missing.message, /needs the argument "code"/);
  await ask(home.server, "POST /prompts/a__nothing/get", { body: {}, status: 404 });
  await home.rule("a", { "prompts/*": { decision: "deny" } });
  assert.deepEqual((await ask(home.server, "GET /prompts")).data.map(({ server }: Json) => server), ["b"]);
});

Deno.test("who watches a resource hears of it, also after the connection was lost, and leaves nothing behind", async () => {
  const a = readable("a://1");
  await using home = await shelf({ a });
  await ask(home.server, "GET /resources");
  const watch = () => {
    const leaving = new AbortController();
    const path = "/resources/events?uri=a://1";
    const response = home.server.request("GET", path, {
      headers: { accept: "text/event-stream" },
      signal: leaving.signal,
    });
    return { leaving, response };
  };
  const [one, two] = [watch(), watch()];
  const frames = streamFrames(await one.response);
  await two.response;
  const heard: string[] = [];
  const reading = (async () => {
    for await (const { type, data } of frames) heard.push(`${type} ${JSON.stringify(data)}`);
  })().catch(() => {});
  await until("it is watched", () => a.watched?.has("a://1"));
  a.updated("a://1");
  a.updated("a://2");
  await until("it is heard", () => heard.length === 1);
  assert.equal(heard[0], 'resource.updated {"server":"a","uri":"a://1"}');
  a.watched!.clear();
  a.die();
  await until("it is looked at anew", () => heard.length === 2 && a.watched!.has("a://1"));
  one.leaving.abort();
  await reading;
  assert.ok(a.watched!.has("a://1"), "the other still watches");
  two.leaving.abort();
  await until("nobody watches", () => a.watched!.size === 0);
});

Deno.test("a server that doesn't tell of changes says so", async () => {
  const a = readable("a://1");
  a.watched = undefined;
  await using home = await shelf({ a });
  const refused = await ask(home.server, "GET /resources/events?uri=a://1&server=a", { status: 502 });
  assert.match(refused.message, /doesn't tell when its resources change/);
});

Deno.test("without the scope nothing is listed or read, and another tenant has its own", async () => {
  await using world = await startWorld();
  const { server } = world;
  const [plain, mine, other] = [
    await tokenOf("ada"),
    await tokenOf("ada", { scope: "tools" }),
    await tokenOf("ada", { scope: "tools", tenant_id: "else" }),
  ];
  for (
    const path of ["GET /resources", content("library://news"), "GET /prompts", "POST /prompts/library__greet/get"]
  ) {
    const body = path.startsWith("POST") ? { body: {} } : {};
    await ask(server, path, { key: plain, status: 403, ...body });
    await ask(server, path, { key: mine, ...body });
    const lists = path === "GET /resources" || path === "GET /prompts";
    const answer = await ask(server, path, { key: other, status: lists ? 200 : 404, ...body });
    if (lists) assert.deepEqual(answer.data, []);
  }
  await ask(server, content("library://news", "library"), { key: other, status: 404 });
  await ask(server, "GET /resources/events?uri=library://news&server=library", { key: other, status: 404 });
  await ask(server, content("library://news", "library"), { key: ADMIN_KEY });
});
