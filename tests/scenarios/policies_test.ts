/**
 * Policies of tools: what they say, and how they are changed.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { startProvider } from "../support/provider.ts";
import { startServer, testSettings } from "../support/server.ts";
import { ask, askAdmin, createAgent, eventsOf, type Json, saidTo, untilStatus } from "../support/story.ts";
import { type ScriptedTool, scriptedToolbox } from "../support/toolbox.ts";

const SCOPED = { auth: { user_scopes: ["tools"] } };
const fine = (text = "fine") => () => ({ content: [{ type: "text" as const, text }], is_error: false });
const tool = (own_name: string, more: Partial<ScriptedTool> = {}): ScriptedTool => ({
  server: "files",
  own_name,
  act: fine(),
  ...more,
});

async function office(tools: Record<string, ScriptedTool>, script: Json = {}) {
  await using stack = new AsyncDisposableStack();
  const provider = stack.use(await startProvider({ script }));
  const toolbox = scriptedToolbox(tools);
  const server = stack.use(await startServer({ provider: provider.url, settings: SCOPED, ports: { toolbox } }));
  const change = (body: Json, options: Json = {}) =>
    askAdmin(server, "PATCH /policies/papers", { body: { create: true, servers: ["files"], ...body }, ...options });
  const call = (name: string, args: Json = {}, options: Json = {}) =>
    ask(server, `POST /tools/${name}/call`, { body: { arguments: args }, ...options });
  const owned = stack.move();
  return { provider, toolbox, server, change, call, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

Deno.test("a change is in force for the next call, says what to allow, and has a history", async () => {
  await using desk = await office({ files__write: tool("write") });
  await desk.call("files__write");
  const made = await desk.change({ tools: { "wr*": { decision: "deny", reason: "The books are closed" } } });
  assert.equal(made.revision, 1);
  const { message, details } = await desk.call("files__write", {}, { status: 403 });
  assert.match(message, /policy "papers" denies it \(The books are closed\): its rule "wr\*" would have to say allow/);
  assert.deepEqual(details, { policy: "papers", rule: "wr*" });
  assert.equal((await desk.change({ tools: { "wr*": null } })).revision, 2);
  await desk.call("files__write");
  const shown = await askAdmin(desk.server, "GET /policies/papers");
  assert.deepEqual(shown.tools, {});
  assert.deepEqual(shown.history.map(({ revision }: Json) => revision), [2, 1]);
  assert.equal(shown.history[1].policy.tools["wr*"].decision, "deny");
  assert.equal(shown.updated_by, "admin");
});

Deno.test("a policy is changed whole or not at all", async () => {
  await using desk = await office({ files__write: tool("write") });
  await desk.change({ description: "Papers", sandbox: { read: ["."], net: ["example.org"] } });
  const changed = await desk.change({ sandbox: { net: [] }, revision: 1 });
  assert.deepEqual([changed.description, changed.sandbox.read, changed.sandbox.net], ["Papers", ["."], []]);
  assert.deepEqual((await desk.change({ revision: 1 }, { status: 409 })).details, { current: 2, wanted: 1 });
  await desk.change({ tools: { x: { decision: "perhaps" } } }, { status: 400 });
  const broken = { tools: { x: { arguments: { $ref: "#/$defs/nothing" } } } };
  assert.match(
    (await desk.change(broken, { status: 400 })).message,
    /rule "x": the schema refers to "#\/\$defs\/nothing"/,
  );
  await desk.change({ sandbox: { memory_mb: 1 } }, { status: 400 });
  assert.equal((await askAdmin(desk.server, "GET /policies/papers")).revision, 2);
  const ids = (await askAdmin(desk.server, "GET /policies?limit=100")).data.map(({ id }: Json) => id);
  assert.ok(ids.includes("default") && ids.includes("papers"));
  await askAdmin(desk.server, "GET /policies/nothing", { status: 404 });
  await askAdmin(desk.server, "PATCH /policies/nothing", { body: { description: "A typo" }, status: 404 });
});

Deno.test("what was changed survives a restart, and lies over what the operator's file says", async () => {
  const data_dir = await Deno.makeTempDir({ prefix: "muxi-policies-" });
  try {
    const file = `${data_dir}/policies.yaml`;
    await Deno.writeTextFile(file, 'policies:\n  papers: { servers: [files], tools: { "*": { decision: deny } } }\n');
    const settings = { ...SCOPED, tools: { policies_file: file } };
    const toolbox = scriptedToolbox({ files__write: tool("write") });
    {
      await using server = await startServer({ data_dir, settings, ports: { toolbox } });
      await ask(server, "POST /tools/files__write/call", { body: {}, status: 403 });
      await askAdmin(server, "PATCH /policies/papers", { body: { tools: { "*": { decision: "allow" } } } });
      await ask(server, "POST /tools/files__write/call", { body: {} });
    }
    await using server = await startServer({ data_dir, settings, ports: { toolbox } });
    await ask(server, "POST /tools/files__write/call", { body: {} });
  } finally {
    await Deno.remove(data_dir, { recursive: true });
  }
});

Deno.test("a file that can't be read is refused with its place, at the start and at a reload", async () => {
  const data_dir = await Deno.makeTempDir({ prefix: "muxi-policies-" });
  try {
    const file = `${data_dir}/policies.yaml`;
    const settings = { ...SCOPED, tools: { policies_file: file } };
    await assert.rejects(
      startServer({ data_dir, settings }),
      /Cannot read tools\.policies_file = ".*": it can't be opened/,
    );
    await Deno.writeTextFile(file, "policies:\n  papers: { tools: { x: { decision: perhaps } } }\n");
    await assert.rejects(startServer({ data_dir, settings }), /policies\.papers\.tools\.x\.decision/);
    await Deno.writeTextFile(file, 'policies:\n  papers: { servers: [files], tools: { "*": { decision: deny } } }\n');
    const toolbox = scriptedToolbox({ files__write: tool("write") });
    await using server = await startServer({
      data_dir,
      settings,
      ports: { toolbox },
      reread: () => Promise.resolve(testSettings(data_dir, { settings })),
    });
    await ask(server, "POST /tools/files__write/call", { body: {}, status: 403 });
    await Deno.writeTextFile(file, "policies: 1\n");
    await assert.rejects(server.app.reload());
    await ask(server, "POST /tools/files__write/call", { body: {}, status: 403 });
    await Deno.writeTextFile(file, "policies: {}\n");
    await server.app.reload();
    await ask(server, "POST /tools/files__write/call", { body: {} });
  } finally {
    await Deno.remove(data_dir, { recursive: true });
  }
});

Deno.test("a file that can't be used is refused whole at a reload: keys and policies stay", async () => {
  const data_dir = await Deno.makeTempDir({ prefix: "muxi-policies-" });
  try {
    const file = `${data_dir}/policies.yaml`;
    const settings = { ...SCOPED, tools: { policies_file: file } };
    const good = 'policies:\n  papers: { servers: [files], tools: { "*": { decision: deny } } }\n';
    await Deno.writeTextFile(file, good);
    const toolbox = scriptedToolbox({ files__write: tool("write") });
    let next: Json = settings;
    await using server = await startServer({
      data_dir,
      settings,
      ports: { toolbox },
      reread: () => Promise.resolve(testSettings(data_dir, { settings: next })),
    });
    const before = (await askAdmin(server, "GET /policies?limit=100")).data;
    await Deno.writeTextFile(file, 'policies:\n  other: { tools: { x: { arguments: { $ref: "#/$defs/none" } } } }\n');
    next = { ...settings, auth: { user_api_key: "sk_muxi_user_another_9876543210" } };
    await assert.rejects(server.app.reload(), /policy "other": the arguments' schema of the rule "x"/);
    await ask(server, "POST /tools/files__write/call", { body: {}, status: 403 });
    assert.deepEqual((await askAdmin(server, "GET /policies?limit=100")).data, before);
    await askAdmin(server, "PATCH /policies/papers", { body: { description: "Changed meanwhile" } });
    await Deno.writeTextFile(file, good);
    await server.app.reload();
    await ask(server, "POST /tools/files__write/call", { body: {}, status: 401 });
  } finally {
    await Deno.remove(data_dir, { recursive: true });
  }
});

Deno.test("arguments are held to the policy's schema, too", async () => {
  const parameters = { type: "object", properties: { path: { type: "string" } } };
  await using desk = await office({ files__write: tool("write", { parameters }) });
  const inside = { type: "object", properties: { path: { pattern: "^/home/" } }, required: ["path"] };
  await desk.change({ tools: { write: { arguments: inside, reason: "Only at home" } } });
  await desk.call("files__write", { path: "/home/ada" });
  const { message } = await desk.call("files__write", { path: "/etc/passwd" }, { status: 403 });
  assert.match(message, /policy "papers" does not allow these arguments \(Only at home\): "\/path"/);
  assert.equal(desk.toolbox.calls.length, 1);
});

Deno.test("calls are limited per key and minute, and at the same time", async () => {
  let inside = 0;
  let most = 0;
  const act: ScriptedTool["act"] = async () => {
    most = Math.max(most, ++inside);
    await new Promise((resolve) => setTimeout(resolve, 20));
    inside--;
    return { content: [], is_error: false };
  };
  await using desk = await office({ files__one: tool("one"), files__few: tool("few", { act }) });
  await desk.change({ tools: { one: { per_minute: 2 }, few: { concurrent: 2 } } });
  await desk.call("files__one");
  await desk.call("files__one");
  const { message } = await desk.call("files__one", {}, { status: 429 });
  assert.match(message, /its policy allows 2 calls a minute, try again in \d+ s/);
  await Promise.all(Array.from({ length: 8 }, () => desk.call("files__few")));
  assert.equal(most, 2);
});

Deno.test("a result is cut where its policy says so", async () => {
  await using desk = await office({ files__read: tool("read", { act: fine("ä".repeat(5000)) }) });
  await desk.change({ tools: { read: { max_result_bytes: 2048 } } });
  const { result } = await desk.call("files__read");
  assert.equal(result.content[0].text.length, 1024);
  assert.match(result.content[1].text, /truncated: 5000 characters, the first 1024/);
});

Deno.test("a policy may want a person, whose reasons it gives; nobody can be asked about a direct call", async () => {
  const script = [{ tool_calls: [{ name: "files__write", arguments: { n: 1 } }] }, { tokens: ["Done"] }];
  await using desk = await office({ files__write: tool("write") }, script);
  await desk.change({ tools: { write: { decision: "ask", reason: "It changes files" } } });
  const refused = await desk.call("files__write", {}, { status: 403 });
  assert.match(refused.message, /a person has to approve each call \(It changes files\)/);
  await askAdmin(desk.server, "POST /tools/files__write/invoke", { body: {} });
  await createAgent(desk.server, "clerk", {
    allowed_tools: ["files__*"],
    mcp_servers: [{ name: "files", url: "https://files.example" }],
  });
  const { run_id } = await ask(desk.server, "POST /agents/clerk/chat", { body: { message: "Write" } });
  const { data: [question] } = await ask(desk.server, "GET /approvals");
  assert.deepEqual([question.run_id, question.tool, question.kind, question.arguments], [
    run_id,
    "files__write",
    "approval",
    { n: 1 },
  ]);
  assert.match(question.reason, /wants to call "files__write": It changes files/);
  const path = `POST /runs/${run_id}/tool_calls/${question.tool_call_id}/decision`;
  await ask(desk.server, path, { body: { decision: "approve" } });
  await untilStatus(desk.server, run_id, "completed");
  assert.deepEqual((await ask(desk.server, "GET /approvals")).data, []);
  assert.equal((await ask(desk.server, "GET /approvals?status=approved")).data.length, 1);
  const asked = (await eventsOf(desk.server, run_id)).find(({ type }) => type === "tool.call.approval_required");
  assert.match(asked!.data.reason, /It changes files/);
});

Deno.test("a tool that was denied while a person thought about it is not called", async () => {
  const script = [{ tool_calls: [{ name: "files__write", arguments: {} }] }, { tokens: ["Sorry"] }];
  await using desk = await office({ files__write: tool("write") }, script);
  await desk.change({ tools: { write: { decision: "ask" } } });
  await createAgent(desk.server, "clerk", {
    allowed_tools: ["*"],
    mcp_servers: [{ name: "files", url: "https://files.example" }],
  });
  const { run_id } = await ask(desk.server, "POST /agents/clerk/chat", { body: { message: "Write" } });
  const { data: [{ tool_call_id }] } = await ask(desk.server, "GET /approvals");
  await desk.change({ tools: { write: { decision: "deny" } } });
  await ask(desk.server, `POST /runs/${run_id}/tool_calls/${tool_call_id}/decision`, { body: { decision: "approve" } });
  await untilStatus(desk.server, run_id, "completed");
  assert.equal(desk.toolbox.calls.length, 0);
  assert.match(saidTo(desk.provider.requests[1]!).at(-1)!, /denies it/);
});

Deno.test("an agent sees only tools of servers that it is attached to, and none that a policy denies", async () => {
  const tools = {
    files__read: tool("read"),
    files__write: tool("write"),
    mail__send: tool("send", { server: "mail" }),
  };
  await using desk = await office(tools, { tokens: ["Well"] });
  await desk.change({ tools: { write: { decision: "deny" } } });
  await createAgent(desk.server, "clerk", {
    allowed_tools: ["*"],
    mcp_servers: [{ name: "files", url: "https://files.example" }],
  });
  await ask(desk.server, "POST /agents/clerk/chat", { body: { message: "Hello" } });
  const offered = desk.provider.requests[0]!.body.tools.map((tool: Json) => tool.function.name);
  assert.deepEqual(offered, ["files__read"]);
});

Deno.test("a change that changes nothing makes no revision, and hosts and paths that can't be meant are refused", async () => {
  await using desk = await office({ files__write: tool("write") });
  const { revision } = await desk.change({
    sandbox: { read: ["/a"], net: ["a.test:443", "::1", "[::1]:80", "*.b.test"] },
  });
  assert.equal((await desk.change({})).revision, revision);
  assert.equal((await desk.change({ sandbox: { read: ["/a"] } })).revision, revision);
  for (const net of ["not a host!", "http://foo.test/x", "*", "a.test/x", "a.test:x", ""]) {
    await desk.change({ sandbox: { net: [net] } }, { status: 400 });
  }
  assert.match(
    (await desk.change({ sandbox: { read: ["~/x"] } }, { status: 400 })).message,
    /sandbox\.read\.0: want the whole path, without ~/,
  );
  const { message } = await askAdmin(desk.server, "PATCH /policies/Not%20it", { body: {}, status: 400 });
  assert.match(message, /policy_id: want small letters, digits, _ and -/);
});

Deno.test("a policy is deleted with its history, and what it held is under the next that names it", async () => {
  await using desk = await office({ files__write: tool("write") });
  await desk.change({ tools: { write: { decision: "deny" } } });
  await desk.call("files__write", {}, { status: 403 });
  await askAdmin(desk.server, "DELETE /policies/papers", { status: 204 });
  await desk.call("files__write");
  await askAdmin(desk.server, "DELETE /policies/papers", { status: 404 });
  assert.equal((await desk.change({ description: "Anew" })).revision, 1);
  const refused = await askAdmin(desk.server, "DELETE /policies/default", { status: 409 });
  assert.match(refused.message, /it stands in a file of policies/);
});
