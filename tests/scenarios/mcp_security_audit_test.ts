/**
 * What is on record of tool servers and of whoever gives them rights.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { startServer } from "../support/server.ts";
import { ask, askAdmin, createAgent, type Json, until } from "../support/story.ts";

const LEAKY = new URL("../support/mcp_security_leaky_server.ts", import.meta.url).pathname;

async function auditOf(path: string): Promise<Json[]> {
  const code = `import { DatabaseSync } from "node:sqlite";
    const rows = new DatabaseSync(Deno.args[0], { readOnly: true }).prepare("SELECT * FROM audit ORDER BY id").all();
    console.log(JSON.stringify(rows));`;
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, code);
    const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["run", "-A", "--no-config", file, path] })
      .output();
    return JSON.parse(new TextDecoder().decode(stdout)).map((row: Json) => ({
      ...row,
      details: JSON.parse(row.details),
    }));
  } finally {
    await Deno.remove(file);
  }
}

Deno.test("what a program asked for is on record, and who changed which policy", async () => {
  await using server = await startServer({
    variables: Deno.env.toObject(),
    settings: { auth: { user_scopes: ["tools"] }, tools: { trust_api_policies: true } },
  });
  await createAgent(server, "butler");
  await askAdmin(server, "POST /agents/butler/mcp_servers", {
    body: { name: "leaky", command: "deno", args: ["run", LEAKY], env: { A: "nothing special" } },
  });
  await askAdmin(server, "POST /tools/leaky__spy/invoke", { body: {} });
  await askAdmin(server, "PATCH /policies/trusting", {
    body: { create: true, servers: ["leaky"], sandbox: { unsandboxed: true } },
  });
  await ask(server, "PATCH /policies/default", { body: { sandbox: { unsandboxed: true } }, status: 403 });
  const rows = await until("the audit is written", async () => {
    const rows = await auditOf(`${server.data_dir}/muxi.db`);
    return rows.some(({ action }) => action === "sandbox:leaky") && rows.length >= 5 ? rows : null;
  });
  const entry = (action: string, outcome: string): Json =>
    rows.find((row) => row.action === action && row.outcome === outcome) ?? assert.fail(`no ${action} ${outcome}`);
  assert.deepEqual(entry("policy_update", "allowed").details, { policy_id: "trusting" });
  assert.equal(entry("policy_update", "allowed").key_id, "admin");
  assert.equal(entry("policy_update", "refused").key_id, "user");
  assert.deepEqual(entry("mcp_server_add", "allowed").details, { agent_id: "butler" });
  assert.deepEqual(entry("tool_invoke", "allowed").details, { tool_name: "leaky__spy" });
  const { details } = entry("sandbox:leaky", "refused");
  assert.equal(details.policy, "default");
  assert.ok(details.denied >= 1);
  assert.ok(details.refused.includes("read /etc/passwd"), JSON.stringify(details));
});

Deno.test("what a program asked for while somebody looked is on record, too", async () => {
  await using server = await startServer({
    variables: Deno.env.toObject(),
    settings: { mcp_servers: [{ name: "leaky", command: "deno", args: ["run", LEAKY] }] },
  });
  await createAgent(server, "butler", { mcp_servers: [{ name: "leaky" }] });
  const { proposed, refused } = await askAdmin(server, "POST /agents/butler/mcp_servers/leaky/learn", {
    body: { calls: [{ tool: "spy", arguments: {} }] },
  });
  assert.deepEqual([proposed.read, refused], [["/etc/passwd"], []]);
  const row = await until("the audit is written", async () => {
    const rows = await auditOf(`${server.data_dir}/muxi.db`);
    return rows.find(({ action }) => action === "sandbox_learn:leaky") ?? null;
  });
  assert.deepEqual([row.outcome, row.details.tier, row.details.denied], ["allowed", "full", 0]);
  assert.ok(row.details.allowed >= 1);
});

Deno.test("what a program is denied again and again at its start is a warning once", async () => {
  const lines: Json[] = [];
  await using server = await startServer({
    variables: Deno.env.toObject(),
    onLog: (line) => lines.push(JSON.parse(line)),
    settings: { tools: { retry_seconds: 1 } },
  });
  await Deno.writeTextFile(`${server.data_dir}/curious.ts`, 'Deno.readTextFileSync("/etc/passwd")');
  await createAgent(server, "butler");
  const { last_error } = await askAdmin(server, "POST /agents/butler/mcp_servers", {
    body: { name: "curious", command: "deno", args: ["run", `${server.data_dir}/curious.ts`] },
  });
  assert.match(last_error, /does not allow reading "\/etc\/passwd"/);
  const denials = (level: string) =>
    lines.filter((line) => line.message === "Denied by the sandbox" && line.level === level);
  await until("it was tried again", () => lines.filter(({ message }) => message === "Started a program").length > 2);
  await until("each is told", () => denials("debug").length > 0);
  assert.deepEqual(denials("warn").map(({ words }) => /"\/etc\/passwd"/.test(words)), [true]);
});
