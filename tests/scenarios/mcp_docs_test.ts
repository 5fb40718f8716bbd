/**
 * The page `/docs/mcp`, held against the server it describes.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { parse } from "yaml";
import { McpServer } from "../../src/domain/mcp_server.ts";
import { Policy, PolicyFile, SandboxProfile, ToolRule } from "../../src/domain/policy.ts";
import { operations } from "../../src/operations/mod.ts";
import { startServer, USER_KEY } from "../support/server.ts";

const assets = new URL("../../src/transports/docs/assets/", import.meta.url);
const SERVER = "http://127.0.0.1:8000";

Deno.test("the page names every field of policies, profiles, rules and definitions, and what each is for", async () => {
  await using server = await startServer();
  const page = await (await server.request("GET", "^/docs/mcp", { key: null })).text();
  const named = new Set([...page.matchAll(/<dt><code>([^<]+)<\/code>/g)].map(([, name]) => name));
  for (const { shape } of [Policy.omit({ tools: true, sandbox: true }), ToolRule, SandboxProfile, McpServer]) {
    for (const [name, field] of Object.entries(shape)) {
      assert.ok(named.has(name), name);
      const { description } = field as { description?: string };
      if (description !== undefined) assert.ok(page.includes(description.split(/[`"'&]/)[0]!.trim()), description);
    }
  }
});

Deno.test("every path the page names is open, and every operation it links to is there", async () => {
  await using server = await startServer();
  const page = await (await server.request("GET", "^/docs/mcp", { key: null })).text();
  const paths = new Set(server.app.routes.map((line) => line.split(" ")[1]));
  for (const path of ["/mcp", "/mcp/ws", "/api/v1/mcp/stream", "/api/v1/mcp/request", "/tools/openapi.json"]) {
    assert.ok(page.includes(`<code>${path}</code>`), `The page does not name ${path}`);
    assert.ok(paths.has(path), `${path} is not open`);
  }
  const links = [...page.matchAll(/href="\/docs#(\w+)"/g)].map(([, id]) => id!);
  assert.ok(links.length > 3);
  for (const id of links) assert.ok(operations.has(id), id);
});

Deno.test("its example of a policy is one, and its program talks to the server", async () => {
  const policies = PolicyFile.parse(parse(await Deno.readTextFile(new URL("mcp_policy.yaml", assets))));
  assert.deepEqual(Object.keys(policies.policies), ["files"]);
  await using server = await startServer();
  const source = (await Deno.readTextFile(new URL("mcp.mts", assets))).replaceAll(SERVER, server.url);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "-"],
    cwd: new URL("../../", import.meta.url),
    env: { MUXI_KEY: USER_KEY },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(source));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  assert.match(new TextDecoder().decode(stdout), /^agent__assistant$[^]*offline model/m);
});
