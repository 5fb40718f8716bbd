/**
 * What desktop hosts and Open WebUI are told to enter, entered as it stands.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { type Block, toChapters } from "../support/readme.ts";
import { startServer, type TestServer, USER_KEY } from "../support/server.ts";

const root = new URL("../../", import.meta.url);
const SHOWN = "http://127.0.0.1:8000";

/** An entry for a desktop host. */
type Entry = { command: string; args: string[]; env: Record<string, string> } | {
  type: string;
  url: string;
  headers: Record<string, string>;
};

async function blocksOf(file: string): Promise<Block[]> {
  return toChapters(await Deno.readTextFile(new URL(file, root))).flatMap(({ blocks }) => blocks);
}

/** The entries of a file, in the order in which they stand. */
async function entriesOf(file: string): Promise<Entry[]> {
  const hosts = (await blocksOf(file)).filter(({ language }) => language === "json")
    .map(({ text }) => JSON.parse(text)).filter((value) => "mcpServers" in value);
  return hosts.flatMap(({ mcpServers }) => Object.values(mcpServers) as Entry[]);
}

/** Puts what is there in the place of what is shown. */
function filled<T>(value: T, { url }: TestServer): T {
  return JSON.parse(JSON.stringify(value).replaceAll(SHOWN, url).replaceAll("sk_muxi_user_…", USER_KEY));
}

async function runClient(args: string[], env: Record<string, string>): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--frozen", "-A", "examples/mcp_client.ts", ...args],
    cwd: root,
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** Connects as the host would, by the official client. */
async function enter(entry: Entry): Promise<string> {
  if ("url" in entry) {
    assert.equal(entry.type, "http");
    const [, key = ""] = entry.headers.Authorization!.split(" ");
    return await runClient([], { MUXI_URL: entry.url.replace(/\/mcp$/, ""), MUXI_KEY: key });
  }
  assert.equal(entry.command, "muxi");
  const muxi = [Deno.execPath(), "run", "--quiet", "-A", "--unstable-no-legacy-abort", "main.ts"];
  return await runClient([...muxi, ...entry.args], entry.env);
}

for (const file of ["README.md", "config/deploy/desktop-hosts/README.md"]) {
  Deno.test(`both entries for desktop hosts in ${file} work: the program and the address`, async () => {
    await using server = await startServer({ settings: { auth: { user_scopes: ["tools"] } } });
    const entries = await entriesOf(file);
    assert.deepEqual(entries.map((entry) => "url" in entry), [false, true]);
    for (const entry of entries) {
      const said = await enter(filled(entry, server));
      assert.match(said, /^tools: .*agent__assistant/m);
      assert.match(said, /^answer: [^]*offline model[^]*^resources: muxi:\/\//m);
    }
  });
}

Deno.test("without an address, muxi mcp serve is the whole server, and offers the host nothing that needs an admin", async () => {
  const dir = await Deno.makeTempDir({ prefix: "muxi-host-" });
  try {
    const program = [Deno.execPath(), "run", "--quiet", "-A", "--unstable-no-legacy-abort", "main.ts"];
    const serve = ["mcp", "serve", "--data-dir", dir, "--set", "model.provider=offline"];
    const said = await runClient([...program, ...serve], {});
    assert.match(said, /^answer: [^]*offline model/m);
    const toolsOf = (text: string) => /^tools: (.*)$/m.exec(text)![1]!.split(", ");
    assert.ok(!toolsOf(said).includes("agent_delete"), said);
    const all = toolsOf(await runClient([...program, ...serve, "--admin"], {}));
    assert.ok(all.includes("agent_delete"), String(all));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("what Open WebUI is told of tool servers leads to the doors that answer it", async () => {
  await using server = await startServer({ settings: { auth: { user_scopes: ["tools"] } } });
  const [, json] = /^TOOL_SERVER_CONNECTIONS='(\[[^]*?\])'$/m.exec(
    await Deno.readTextFile(new URL("config/deploy/open-webui/README.md", root)),
  )!;
  const [mcp, openapi] = filled(JSON.parse(json!), server);
  assert.deepEqual([mcp.type, mcp.auth_type, openapi.type, openapi.auth_type], ["mcp", "bearer", "openapi", "bearer"]);
  assert.match(await runClient([], { MUXI_URL: mcp.url.replace(/\/mcp$/, ""), MUXI_KEY: mcp.key }), /^tools: /m);
  // The server it names is the reader's own; the document of all is always there.
  const all = openapi.url.replace(/\/files$/, "");
  const response = await fetch(`${all}/${openapi.path}`, { headers: { authorization: `Bearer ${openapi.key}` } });
  const { openapi: version, paths } = await response.json();
  assert.deepEqual([response.status, version, paths], [200, "3.1.0", {}]);
});
