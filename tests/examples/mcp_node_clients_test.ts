/**
 * The official clients of MCP, of both generations, under Node: what most hosts are made from.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import config from "../../deno.json" with { type: "json" };
import { openDesk } from "../support/desk.ts";
import { type Entry, filled, hostFilesOf } from "../support/mcp_entries.ts";
import { openMcpHouse } from "../support/mcp_house.ts";
import { hasProgram } from "../support/parts.ts";
import type { TestServer } from "../support/server.ts";
import type { Json } from "../support/story.ts";

const PROGRAM = new URL("../support/mcp_node_client.mjs", import.meta.url);
/** The last line of the first generation, and the second as it is used here. */
const PACKAGES = ["@modelcontextprotocol/sdk@1.32.2", config.imports["@modelcontextprotocol/client"].slice(4)];

/** A generation of the client, and the revision where it is told which to speak. */
type Client = { sdk: "sdk" | "client"; revision?: string };

const CLIENTS: Client[] = [{ sdk: "sdk" }, { sdk: "client" }, { sdk: "client", revision: "2026-07-28" }];

/** The entries that lead to a server that runs. */
async function entriesOf(server: TestServer): Promise<Entry[]> {
  const files = filled(await hostFilesOf("config/deploy/desktop-hosts/README.md"), server);
  return files.flatMap(({ mcpServers }) => Object.values(mcpServers))
    .filter((entry) => JSON.stringify(entry).includes(server.url));
}

function assertSawAll(seen: Json, { sdk, revision, way }: Client & { way: string | undefined }): void {
  assert.equal(seen.server, "muxi");
  if (sdk === "client") assert.equal(seen.revision, revision ?? "2025-11-25");
  for (const tool of ["agent__assistant", "everything__get-sum", "run_create"]) assert.ok(seen.tools.includes(tool));
  assert.match(seen.agent.text, /offline model/);
  // What comes together with the answer is dropped by these clients' SSE and standard streams.
  assert.ok(seen.agent.progress.length > 0 || way !== "http", "The agent's text grows");
  for (const { message } of seen.agent.progress.slice(0, 1)) assert.ok(seen.agent.text.startsWith(message));
  assert.equal(seen.sum.text, "The sum of 2 and 40 is 42.");
  // The fourth comes together with the answer, and then some clients drop it.
  const steps = seen.long.progress.map(({ progress, total }: Json) => `${progress} of ${total}`);
  assert.match(steps.join(", "), /^1 of 4, 2 of 4, 3 of 4(, 4 of 4)?$/);
  for (const { is_error } of [seen.agent, seen.sum, seen.long]) assert.equal(is_error, false);
  assert.deepEqual(JSON.parse(seen.conversation).messages.map(({ role }: Json) => role), ["user", "assistant"]);
  assert.notEqual(seen.document, "");
  assert.ok(seen.prompts.includes("everything__simple-prompt"));
  assert.equal(seen.review, "Review boats");
  assert.equal(seen.simple, "This is a simple prompt without arguments.");
}

Deno.test("the official clients of both generations do everything under Node, by address, by SSE and by a program", {
  ignore: !hasProgram("node") || !hasProgram("npm"),
}, async (t) => {
  await using server = await openMcpHouse();
  await using desk = await openDesk();
  await desk.run("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", ...PACKAGES]);
  await Deno.copyFile(PROGRAM, `${desk.folder}/client.mjs`);
  const entries = await entriesOf(server);
  const ways = entries.map((entry) => "type" in entry ? entry.type : "stdio");
  assert.deepEqual(ways.toSorted(), ["http", "sse", "stdio"]);
  for (const [at, entry] of entries.entries()) {
    for (const client of CLIENTS) {
      const walk = { ...entry, ...client, way: ways[at] };
      await t.step(Object.values({ way: walk.way, ...client }).join(" "), async () => {
        assertSawAll(JSON.parse(await desk.run("node", ["client.mjs", JSON.stringify(walk)])), walk);
      });
    }
  }
});
