/**
 * `muxi mcp call` where somebody has to be asked: by the real program, on a real terminal and without one.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { toolText } from "../../src/domain/tool.ts";
import { connectorForTests } from "../support/mcp_client_connector.ts";
import { EVERYTHING } from "../support/mcp_client_real.ts";
import { scriptedConnector, ScriptedServer } from "../support/mcp_hub_connector.ts";
import { muxi } from "../support/muxi.ts";
import { ADMIN_KEY, startServer } from "../support/server.ts";
import { ask, askAdmin, until } from "../support/story.ts";
import { hasTerminals, openTerminal } from "../support/terminal_program.ts";

const ignore = !await hasTerminals();
const SUM = ["everything__get-sum", "a=2", "b=3"];

/** A server whose `get-sum` wants a person. */
async function openDesk() {
  await using stack = new AsyncDisposableStack();
  const args = ["run", "-A", "--no-config", "--no-lock", EVERYTHING];
  const server = stack.use(
    await startServer({
      settings: { mcp_servers: JSON.stringify({ mcpServers: { everything: { command: Deno.execPath(), args } } }) },
      ports: { connector: connectorForTests() },
    }),
  );
  await until("its tools are there", async () => (await ask(server, "GET /tools")).data.length > 0);
  const tools = { "get-sum": { decision: "ask", reason: "It counts" } };
  await askAdmin(server, "PATCH /policies/careful", { body: { create: true, servers: ["everything"], tools } });
  const options = { env: { MUXI_KEY: ADMIN_KEY, MUXI_URL: server.url }, cwd: server.data_dir };
  const owned = stack.move();
  return {
    call: (...args: string[]) => muxi(["mcp", "call", ...args], options),
    open: (...args: string[]) => openTerminal({ ...options, args: ["mcp", "call", ...args] }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

Deno.test("without a terminal a call that wants a person is refused, unless the command says yes", async () => {
  await using desk = await openDesk();
  const refused = await desk.call(...SUM);
  assert.equal(refused.code, 77);
  assert.match(refused.err, /a person has to approve each call \(It counts\): confirm it with .*--yes/);
  assert.equal(refused.out, "");
  const done = await desk.call(...SUM, "--yes");
  assert.deepEqual([done.code, done.out], [0, "The sum of 2 and 3 is 5.\n"]);
  const cancelled = await desk.call("everything__trigger-elicitation-request");
  assert.match(cancelled.out, /"action": "cancel"/);
});

Deno.test({ name: "at a terminal the person is shown the call, and says yes or no", ignore }, async () => {
  await using desk = await openDesk();
  for (const [key, code] of [["y", 0], ["", 77]] as const) {
    await using terminal = desk.open(...SUM);
    await terminal.shows("Call it? [y/N]");
    assert.match(terminal.lines().join("\n"), /May the tool "everything__get-sum" be called with \{"a":2,"b":3\}/);
    await terminal.type(`${key}\r`);
    assert.equal(await terminal.ended, code);
    assert.match(terminal.lines().join(""), code === 0 ? /The sum of 2 and 3 is 5/ : /did not allow it/);
  }
});

Deno.test({ name: "at a terminal the person fills in what the tool's server asks", ignore }, async () => {
  await using desk = await openDesk();
  await using terminal = desk.open("everything__trigger-elicitation-request");
  await terminal.shows("text:");
  await terminal.type("Ada\r/decline\r");
  assert.equal(await terminal.ended, 0);
  assert.match(terminal.lines().join("\n"), /declined/);
});

Deno.test({
  name: "at a terminal an answer that the question doesn't take is asked for again, and the call goes on",
  ignore,
}, async () => {
  const files = new ScriptedServer();
  const schema = {
    type: "object",
    properties: { code: { type: "string", pattern: "^[A-Z]{3}$" } },
    required: ["code"],
  };
  files.calling = async (_, { signal, tool_call_id }) =>
    toolText(
      JSON.stringify(await files.options!.handlers.elicit({ message: "Code?", schema }, { signal, tool_call_id })),
    );
  await using server = await startServer({
    settings: { mcp_servers: JSON.stringify({ mcpServers: { files: { url: "https://files.example" } } }) },
    ports: { connector: scriptedConnector({ files }) },
  });
  await until("its tools are there", async () => (await ask(server, "GET /tools")).data.length > 0);
  const env = { MUXI_KEY: ADMIN_KEY, MUXI_URL: server.url };
  await using terminal = openTerminal({ env, cwd: server.data_dir, args: ["mcp", "call", "files__echo"] });
  await terminal.shows("text:");
  await terminal.type("abc\rs\r");
  await terminal.shows("Cannot answer the question");
  const from = terminal.lines().findIndex((line) => line.includes("Cannot answer the question"));
  await terminal.shows("text", from);
  await terminal.type("ABC\rs\r");
  assert.equal(await terminal.ended, 0);
  assert.match(terminal.lines().join(""), /"action":"accept","content":\{"code":"ABC"\}/);
});
