/**
 * What desktop hosts and Open WebUI are told to enter, entered as it stands, with the official client.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { type Desk, openDesk } from "../support/desk.ts";
import { DOCUMENTS, type Entry, filled, hostFilesOf } from "../support/mcp_entries.ts";
import { startServer } from "../support/server.ts";

const root = new URL("../../", import.meta.url).pathname;
const CLIENT = ["run", "--quiet", "--frozen", "-A", `--config=${root}deno.json`, `${root}examples/mcp_client.ts`];

/** Connects as the host would. */
function enter(desk: Desk, entry: Entry): Promise<string> {
  if ("command" in entry) return desk.run(Deno.execPath(), [...CLIENT, entry.command, ...entry.args], entry.env);
  const [, key = ""] = entry.headers.Authorization!.split(" ");
  return desk.run(Deno.execPath(), CLIENT, { MUXI_URL: entry.url.replace(/\/mcp$/, ""), MUXI_KEY: key });
}

for (const document of DOCUMENTS) {
  Deno.test(`the entries for desktop hosts in ${document} work: programs and addresses`, async () => {
    await using server = await startServer({ settings: { auth: { user_scopes: ["tools"] } } });
    await using desk = await openDesk();
    const files = filled(await hostFilesOf(document), server, desk.home);
    const entries = files.flatMap(({ mcpServers }) => Object.values(mcpServers));
    for (const kind of ["command", "url"]) assert.ok(entries.some((entry) => kind in entry), kind);
    for (const entry of entries) {
      // The example speaks no SSE; other clients try that entry.
      if ("type" in entry && entry.type === "sse") continue;
      const said = await enter(desk, entry);
      assert.match(said, /^tools: .*agent__assistant/m);
      assert.match(said, /^answer: [^]*offline model[^]*^resources: muxi:\/\//m);
    }
  });
}

Deno.test("a host is offered nothing that needs an admin, unless its entry says so", async () => {
  await using desk = await openDesk();
  const args = ["mcp", "serve", "--data-dir", `${desk.folder}/data`];
  const toolsOf = async (args: string[]) => {
    return /^tools: (.*)$/m.exec(await enter(desk, { command: "muxi", args }))![1]!.split(", ");
  };
  assert.equal((await toolsOf(args)).includes("agent_delete"), false);
  assert.equal((await toolsOf([...args, "--admin"])).includes("agent_delete"), true);
});

Deno.test("what Open WebUI is told of tool servers leads to the doors that answer it", async () => {
  await using server = await startServer({ settings: { auth: { user_scopes: ["tools"] } } });
  await using desk = await openDesk();
  const text = await Deno.readTextFile(`${root}config/deploy/open-webui/README.md`);
  const [, json] = /^TOOL_SERVER_CONNECTIONS='(\[[^]*?\])'$/m.exec(text)!;
  const [mcp, openapi] = filled(JSON.parse(json!), server);
  assert.deepEqual([mcp.type, mcp.auth_type, openapi.type, openapi.auth_type], ["mcp", "bearer", "openapi", "bearer"]);
  const headers = { Authorization: `Bearer ${mcp.key}` };
  assert.match(await enter(desk, { type: "http", url: mcp.url, headers }), /^tools: /m);
  // The server it names is the reader's own; the document of all is always there.
  const all = openapi.url.replace(/\/files$/, "");
  const response = await fetch(`${all}/${openapi.path}`, { headers: { authorization: `Bearer ${openapi.key}` } });
  const { openapi: version, paths } = await response.json();
  assert.deepEqual([response.status, version, paths], [200, "3.1.0", {}]);
});
