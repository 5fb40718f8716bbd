/**
 * Agents: made, changed, imported, kept.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { startProvider } from "../support/provider.ts";
import { startServer } from "../support/server.ts";
import { ask, askAdmin, createAgent, type Json, saidTo } from "../support/story.ts";

/** An agent as the first documents of the project write it. */
const SEED = `
name: assistant
description: "General-purpose AI assistant with MCP capabilities."
system_message: You are a helpful AI assistant.
model:
  provider: openai
  api_key: "\${OPENAI_API_KEY}"
  model: gpt-4o
  temperature: 0.7
mcp_servers:
- name: web_search
  type: http_sse  # or "command_line" or "streamable_http"
  url: http://localhost:5001
  credentials:
  - id: search_api_key
    param_name: api_key
    required: true
    env_fallback: SEARCH_API_KEY
- name: calculator
  type: command_line
  command: npx -y @modelcontextprotocol/server-calculator
  credentials: []
`;

Deno.test("an agent is made, shown, changed, used and deleted", async () => {
  await using provider = await startProvider({ script: { tokens: 1 } });
  await using server = await startServer({ provider: provider.url });
  const made = await createAgent(server, "clerk", {
    system_prompt: "Be brief",
    model: { temperature: 0.5, model: "m1", api_key: "sk-of-the-clerk-1" },
  });
  assert.deepEqual([made.id, made.revision, made.max_steps], ["clerk", 1, 16]);
  await askAdmin(server, "POST /agents", { body: { id: "clerk", name: "Other" }, status: 409 });
  await askAdmin(server, "POST /agents", { body: { id: "Clerk!", name: "Other" }, status: 400 });
  await ask(server, "POST /agents", { body: { id: "mine", name: "Mine" }, status: 403 });
  const seen = await ask(server, "GET /agents/clerk");
  assert.deepEqual([seen.system_prompt, seen.policies], [undefined, undefined], "its insides are the admins' alone");
  const full = await askAdmin(server, "GET /agents/clerk");
  assert.equal(full.system_prompt, "Be brief");
  assert.ok(!JSON.stringify([made, seen, full]).includes("sk-of-the-clerk"));
  const changed = await askAdmin(server, "PATCH /agents/clerk", { body: { description: "Files things" } });
  assert.deepEqual([changed.revision, changed.description, changed.system_prompt], [2, "Files things", "Be brief"]);
  await askAdmin(server, "PATCH /agents/clerk", { body: { max_steps: 0 }, status: 400 });
  await ask(server, "POST /agents/clerk/chat", { body: { message: "Hello" } });
  const [{ body, headers }] = provider.requests as [Json];
  assert.deepEqual([body.model, body.temperature, headers.authorization], ["m1", 0.5, "Bearer sk-of-the-clerk-1"]);
  const { data } = await ask(server, "GET /agents");
  assert.deepEqual(data.map(({ id }: Json) => id), ["assistant", "clerk"]);
  await askAdmin(server, "DELETE /agents/clerk", { status: 204 });
  await ask(server, "GET /agents/clerk", { status: 404 });
  const error = await ask(server, "POST /agents/clerk/chat", { body: { message: "Hello" }, status: 404 });
  assert.equal(error.error, "AgentNotFoundError");
  assert.equal((await createAgent(server, "clerk")).revision, 3, "revisions of an id go on");
});

Deno.test("a dry run shows every difference, changes nothing, and shows no credential", async () => {
  await using server = await startServer();
  const model = { provider: "openai", model: "m1", api_key: "sk-old-secret-key" };
  await createAgent(server, "clerk", { model, description: "Old" });
  const content = JSON.stringify({
    agents: {
      clerk: {
        name: "clerk",
        description: "New",
        model: { ...model, api_key: "sk-new-secret-key" },
        mcp_servers: [{ name: "a", type: "http_sse", url: "https://ada:hunter2secret@example.org/sse" }],
      },
      fresh: { name: "Fresh" },
    },
  });
  const options = { body: { content, format: "json", dry_run: true } };
  const report = await askAdmin(server, "POST /agents/import", options);
  assert.ok(!/sk-(old|new)|hunter2/.test(JSON.stringify(report)));
  const [clerk, fresh] = report.agents;
  assert.deepEqual([report.dry_run, clerk.action, fresh.action], [true, "update", "create"]);
  const changed = clerk.changes.map(({ field }: Json) => field).sort();
  assert.deepEqual(changed, ["allowed_tools", "description", "mcp_servers", "model"]);
  const description = clerk.changes.find(({ field }: Json) => field === "description");
  assert.deepEqual([description.from, description.to], ["Old", "New"]);
  await ask(server, "GET /agents/fresh", { status: 404 });
  assert.equal((await ask(server, "GET /agents/clerk")).revision, 1);
  const real = await askAdmin(server, "POST /agents/import", { body: { ...options.body, dry_run: false } });
  assert.deepEqual(real.agents, report.agents);
  assert.equal((await ask(server, "GET /agents/clerk")).description, "New");
  const again = await askAdmin(server, "POST /agents/import", options);
  assert.deepEqual(again.agents.map(({ action }: Json) => action), ["unchanged", "unchanged"]);
  const broken = {
    ...options.body,
    dry_run: false,
    content: JSON.stringify({ agents: { ok: { name: "Ok" }, no: {}, bad: { max_steps: "x" } } }),
  };
  const error = await askAdmin(server, "POST /agents/import", { body: broken, status: 400 });
  assert.match(error.message, /agent "bad": max_steps/);
  await ask(server, "GET /agents/ok", { status: 404 });
});

Deno.test("the agent files of the first documents load as they are", async () => {
  await using provider = await startProvider({ script: { tokens: 1 }, api_key: "sk-from-the-environment" });
  const dir = await Deno.makeTempDir({ prefix: "muxi-seed-" });
  try {
    const file = `${dir}/agents.yaml`;
    await Deno.writeTextFile(file, SEED);
    await using server = await startServer({
      provider: provider.url,
      settings: { agents: { file } },
      variables: { OPENAI_API_KEY: "sk-from-the-environment" },
    });
    const agent = await askAdmin(server, "GET /agents/assistant");
    assert.equal(agent.system_prompt, "You are a helpful AI assistant.");
    assert.deepEqual(agent.model, { provider: "openai", model: "gpt-4o" });
    assert.deepEqual(agent.mcp_servers, [
      { name: "web_search", type: "http_sse" },
      { name: "calculator", type: "command_line" },
    ]);
    await ask(server, "POST /chat", { body: { message: "Hello" } });
    assert.deepEqual(saidTo(provider.requests[0]!)[0], "system: You are a helpful AI assistant.");
    assert.deepEqual([provider.requests[0]!.body.model, provider.requests[0]!.body.temperature], ["gpt-4o", 0.7]);
    // Over the API the same text must not read the server's environment.
    const imported = await askAdmin(server, "POST /agents/import", { body: { content: SEED, dry_run: true } });
    assert.equal(imported.agents[0].id, "assistant");
    assert.ok(!JSON.stringify(imported).includes("sk-from"));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("what was changed over the API outlives restarts until the file's own entry changes", async () => {
  const dir = await Deno.makeTempDir({ prefix: "muxi-seeding-" });
  const file = `${dir}/agents.yaml`;
  const write = (a: string, b: string) =>
    Deno.writeTextFile(file, `agents:\n  a:\n    description: ${a}\n  b:\n    description: ${b}\n  c: {}\n`);
  const options = { data_dir: `${dir}/data`, settings: { agents: { file, default: "a" } } };
  const start = async (work: (server: Awaited<ReturnType<typeof startServer>>) => Promise<void>) => {
    await using server = await startServer(options);
    await work(server);
  };
  const describe = (server: Json, id: string) => ask(server, `GET /agents/${id}`).then((agent) => agent.description);
  try {
    await write("file 1", "file 1");
    await start(async (server) => {
      await askAdmin(server, "PATCH /agents/a", { body: { description: "edited" } });
      await askAdmin(server, "DELETE /agents/b");
      await askAdmin(server, "DELETE /agents/c");
      await createAgent(server, "c", { description: "made anew" });
    });
    await start(async (server) => {
      assert.equal(await describe(server, "a"), "edited");
      await ask(server, "GET /agents/b", { status: 404 });
      assert.equal(await describe(server, "c"), "made anew");
      await askAdmin(server, "POST /agents/import", { body: { content: "agents: {a: {description: imported}}" } });
    });
    await start(async (server) => assert.equal(await describe(server, "a"), "imported"));
    await write("file 2", "file 1");
    await start(async (server) => {
      assert.equal(await describe(server, "a"), "file 2");
      await ask(server, "GET /agents/b", { status: 404 });
    });
    await write("file 2", "file 2");
    await start(async (server) => assert.equal(await describe(server, "b"), "file 2"));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
