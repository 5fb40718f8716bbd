/**
 * What tool servers are trusted with, and where it must not turn up again.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { rowsOf } from "../support/database.ts";
import { startServer } from "../support/server.ts";
import { ADMIN_KEY, type TestServer } from "../support/server.ts";
import { ask, askAdmin, createAgent, until } from "../support/story.ts";

const LEAKY = new URL("../support/mcp_security_leaky_server.ts", import.meta.url).pathname;
const MARK = "geheim";

/** The text around each secret in `text`. */
function found(text: string): string[] {
  return [...text.matchAll(/.{0,60}geheim-\w+.{0,20}/g)].map(([part]) => part);
}

async function said(server: TestServer, route: string, body?: unknown): Promise<string> {
  const [method = "", path = ""] = route.split(" ");
  const response = await server.request(method, path, { key: ADMIN_KEY, ...body !== undefined && { body } });
  return await response.text();
}

Deno.test("what a program is trusted with is in no answer, no log and no row, whatever it says", async () => {
  const lines: string[] = [];
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, `${MARK}-file\n`);
  const command = {
    command: "deno",
    args: [
      ...["run", LEAKY, "--api-key", `${MARK}-option`, `--token=${MARK}-assigned`, `DB_PASSWORD=${MARK}-variable`],
      ...[`postgres://me:${MARK}-userinfo@db.test/x`, "--header", `X-Api-Key: ${MARK}-header`],
      ...["--url", `https://a.test/mcp?access_token=${MARK}-query`],
    ],
    env: { ANYTHING: `${MARK}-env` },
  };
  const program = {
    name: "leaky",
    ...command,
    credentials: [
      { id: "f", param_name: "FROM_FILE", file },
      { id: "v", param_name: "FROM_VARIABLE", env_fallback: "OPERATORS_VARIABLE" },
      { id: "g", param_name: "GIVEN", value: `${MARK}-value` },
    ],
  };
  const odd = { name: "odd", ...command, command: "deno", args: ["fmt", ...command.args.slice(2)] };
  try {
    await using server = await startServer({
      onLog: (line) => lines.push(line),
      variables: { ...Deno.env.toObject(), OPERATORS_VARIABLE: `${MARK}-operator` },
      settings: { mcp_servers: [program, odd], auth: { user_scopes: ["tools"] } },
    });
    const mcp_servers = [{ name: "leaky" }, { name: "odd" }];
    await createAgent(server, "butler", { mcp_servers, allowed_tools: ["*"] });
    await until("it is up", async () => {
      const { state, last_error } = await askAdmin(server, "GET /agents/butler/mcp_servers/leaky");
      assert.equal(last_error, null);
      return state === "ready";
    });
    const answers: Record<string, string> = {};
    const look = async (route: string, body?: unknown) => {
      answers[`${route} ${JSON.stringify(body ?? "")}`] = await said(server, route, body);
    };
    for (const tool of ["tell", "fail", "refuse", "die"]) await look(`POST /tools/leaky__${tool}/invoke`, {});
    await look("POST /tools/leaky__tell/call", {});
    await ask(server, "POST /agents/butler/chat", { body: { message: "call leaky__tell" } });
    for (
      const path of [
        ...["/agents/butler/mcp_servers", "/agents/butler/mcp_servers/leaky", "/agents/butler/mcp_servers/odd"],
        ...["/tools", "/tools/leaky__tell", "/agents/butler", "/agents", "/system/status", "/config", "/approvals"],
        ...["^/health/ready", "^/tools/openapi.json", "/mcp/tools", "/policies", "/runs"],
      ]
    ) await look(`GET ${path}`);
    await look("POST /agents/butler/mcp_servers", { ...program, url: "https://a.test/" });
    assert.match(answers["POST /tools/leaky__tell/invoke {}"]!, /\[masked\]/, "the tool did say something");
    const leaks = Object.entries(answers).flatMap(([what, text]) => found(text).map((part) => `${what}: ${part}`));
    assert.deepEqual(leaks, []);
    assert.deepEqual(found(lines.join("\n")), [], "in the log");
    const rows = await rowsOf(`${server.data_dir}/muxi.db`);
    assert.ok(rows.length > 10);
    assert.deepEqual(rows.flatMap(found), [], "in the rows");
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("what stands in the address of a server is in none of its answers", async () => {
  await using upstream = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
    if (request.method !== "POST") return new Response(null, { status: 405 });
    const { id, method, params } = await request.json();
    if (id === undefined) return new Response(null, { status: 202 });
    const heard = JSON.stringify({ url: request.url, headers: [...request.headers] });
    if (method === "tools/call" && params.name === "break") return new Response(heard, { status: 500 });
    const results: Record<string, unknown> = {
      initialize: {
        protocolVersion: "2025-11-25",
        capabilities: { tools: {} },
        serverInfo: { name: heard, version: "1" },
        instructions: heard,
      },
      "tools/list": { tools: ["tell", "break"].map((name) => ({ name, inputSchema: { type: "object" } })) },
      "tools/call": { content: [{ type: "text", text: heard }] },
    };
    if (results[method]) return Response.json({ jsonrpc: "2.0", id, result: results[method] });
    return Response.json({ jsonrpc: "2.0", id, error: { code: -32601, message: heard } });
  });
  const lines: string[] = [];
  await using server = await startServer({ onLog: (line) => lines.push(line) });
  await createAgent(server, "butler");
  const answers = [
    await said(server, "POST /agents/butler/mcp_servers", {
      name: "web",
      url: `http://127.0.0.1:${upstream.addr.port}/mcp?key=${MARK}-query&second=${MARK}%2Dencoded`,
      credentials: [{ id: "q", param_name: "?token", value: `${MARK}-value` }],
      headers: { "X-Thing": `${MARK}-header` },
    }),
    await said(server, "GET /agents/butler/mcp_servers/web"),
    await said(server, "POST /tools/web__tell/invoke", {}),
    await said(server, "POST /tools/web__break/invoke", {}),
  ];
  assert.match(answers[2]!, /\[masked\]/);
  assert.deepEqual(answers.flatMap((text) => [...found(text), ...text.match(/geheim%2Dencoded/g) ?? []]), []);
  assert.deepEqual(found(lines.join("\n")), []);
  const rows = await rowsOf(`${server.data_dir}/muxi.db`);
  assert.ok(rows.some((row) => row.includes('"mcp_servers"') && row.includes(`127.0.0.1:${upstream.addr.port}/mcp`)));
  assert.deepEqual(rows.flatMap((text) => [...found(text), ...text.match(/geheim%2Dencoded/g) ?? []]), []);
});
