/**
 * `muxi mcp serve`: what a desktop host finds behind a program that it starts.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { muxi } from "../support/muxi.ts";
import { ADMIN_KEY, startServer, USER_KEY } from "../support/server.ts";
import { ask, askAdmin } from "../support/story.ts";
import { scriptedToolbox } from "../support/toolbox.ts";

const HANDSHAKE = [
  {
    id: 1,
    method: "initialize",
    params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "host", version: "1" } },
  },
  { method: "notifications/initialized" },
];

/** Sends `messages` and ends the input at once. Answers by their ids. */
async function converse(messages: Record<string, unknown>[], { args = [], env }: {
  args?: string[];
  env: Record<string, string>;
}) {
  const input = [...HANDSHAKE, ...messages].map((one) => `${JSON.stringify({ jsonrpc: "2.0", ...one })}\n`).join("");
  const ended = await muxi(["mcp", "serve", ...args], { env: { MUXI_LOG_LEVEL: "error", ...env }, input });
  const answers = new Map(
    ended.out.split("\n").filter((line) => line !== "").map((line) => {
      const answer = JSON.parse(line);
      return [answer.id, answer];
    }),
  );
  return { ...ended, answers };
}

const TOOLS = { list: { id: 2, method: "tools/list" } };
const echo = { x__echo: { server: "x", act: () => ({ content: [], is_error: false }) } };

Deno.test("a host is offered what its key would be offered at the server's own door", async () => {
  for (const user_scopes of [[], ["tools"]]) {
    await using server = await startServer({
      settings: { auth: { user_scopes } },
      ports: { toolbox: scriptedToolbox(echo) },
    });
    const names = (tools: { name: string }[]) => tools.map(({ name }) => name).sort();
    const offered = names((await ask(server, "GET /mcp/tools")).tools);
    const env = { MUXI_URL: server.url, MUXI_KEY: USER_KEY };
    const { answers } = await converse([TOOLS.list], { env });
    assert.deepEqual(names(answers.get(2).result.tools), offered);
    assert.equal(offered.includes("x__echo"), user_scopes.length > 0);
    const everything = names((await askAdmin(server, "GET /mcp/tools")).tools);
    const admin = await converse([TOOLS.list], { env: { ...env, MUXI_KEY: ADMIN_KEY }, args: ["--admin"] });
    assert.deepEqual(names(admin.answers.get(2).result.tools), everything);
    const refused = await converse([TOOLS.list], { env, args: ["--admin"] });
    assert.deepEqual([refused.code, refused.out], [77, ""]);
    assert.match(refused.err, /it needs an admin key/);
  }
});

Deno.test("a wrong key and a server that isn't there end it at once, with the reason", async () => {
  await using server = await startServer();
  const wrong = await converse([TOOLS.list], { env: { MUXI_URL: server.url, MUXI_KEY: "wrong" } });
  assert.deepEqual([wrong.code, wrong.out], [77, ""]);
  assert.match(wrong.err, /Cannot identify the caller: the key is unknown/);
  const dead = await converse([TOOLS.list], { env: { MUXI_URL: "http://127.0.0.1:1", MUXI_KEY: USER_KEY } });
  assert.deepEqual([dead.code, dead.out], [69, ""]);
  assert.match(dead.err, /Cannot reach the server at "http:\/\/127\.0\.0\.1:1"/);
});

Deno.test("what was asked before the input ended is answered, here and on a server", async () => {
  await using server = await startServer();
  const data_dir = await Deno.makeTempDir({ prefix: "muxi-mcp-serve-" });
  const say = { id: 3, method: "tools/call", params: { name: "agent__assistant", arguments: { message: "Hello" } } };
  try {
    for (const env of [{ MUXI_URL: server.url, MUXI_KEY: USER_KEY }, { MUXI_DATA_DIR: data_dir }]) {
      const { code, answers, err } = await converse([TOOLS.list, say], { env });
      assert.equal(code, 0, err);
      assert.ok(answers.get(2).result.tools.length > 0);
      assert.equal(answers.get(3).result.content[0].type, "text", JSON.stringify(answers.get(3)));
    }
  } finally {
    await Deno.remove(data_dir, { recursive: true });
  }
});
