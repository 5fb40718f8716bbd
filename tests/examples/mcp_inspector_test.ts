/**
 * The MCP Inspector's command line under Node: a host that reads the usual file, and whatever else it can ask for.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { type Desk, openDesk } from "../support/desk.ts";
import { DOCUMENTS, filled, type HostFile, hostFilesOf } from "../support/mcp_entries.ts";
import { openMcpHouse } from "../support/mcp_house.ts";
import { hasProgram } from "../support/parts.ts";
import { startServer, type TestServer, USER_KEY } from "../support/server.ts";
import type { Json } from "../support/story.ts";

const ignore = !hasProgram("npx");
const readme = await Deno.readTextFile(new URL("../../README.md", import.meta.url));
/** As the README has it, and the last one of the generation before. */
const [INSPECTOR, OLD] = [
  /@modelcontextprotocol\/inspector@[\d.]+/.exec(readme)![0],
  "@modelcontextprotocol/inspector@1.0.3",
];
const ERAS = ["legacy", "modern"];
const ASK_AGENT = ["tools/call", "--tool-name", "agent__assistant", "--tool-arg", "message=What can you do?"];
const KEY = ["--header", `Authorization: Bearer ${USER_KEY}`];

/** Has an Inspector use `method`, with what belongs to it. */
async function inspect(desk: Desk, target: string[], [method, ...more]: string[], version = INSPECTOR): Promise<Json> {
  const args = ["-y", version, "--cli", ...target, "--method", method!, ...more];
  return JSON.parse(await desk.run("npx", args, { MCP_INSPECTOR_SECRET_STORE: "memory" }));
}

/** Writes a host's file; how an Inspector is told of each of its entries. */
async function enter(desk: Desk, name: string, file: HostFile): Promise<string[][]> {
  const path = `${desk.folder}/${name}.json`;
  await Deno.writeTextFile(path, JSON.stringify(file));
  return Object.keys(file.mcpServers).map((server) => ["--config", path, "--server", server]);
}

function assertAnswered({ content, isError }: Json): void {
  assert.notEqual(isError, true);
  assert.match(content[0].text, /offline model/);
}

for (const document of DOCUMENTS) {
  Deno.test(
    `the Inspector reaches an agent by every file for hosts in ${document}, in both eras`,
    { ignore },
    async () => {
      await using server = await startServer();
      await using desk = await openDesk();
      for (const [at, file] of filled(await hostFilesOf(document), server, desk.home).entries()) {
        for (const target of await enter(desk, `host_${at}`, file)) {
          // One after the other, since a folder has one server.
          for (const era of ERAS) {
            assertAnswered(await inspect(desk, [...target, "--protocol-era", era], ASK_AGENT));
          }
        }
      }
    },
  );
}

/** All that it can ask for. */
async function useAll(desk: Desk, target: string[]): Promise<void> {
  const ask = (...method: string[]) => inspect(desk, target, method);
  // It ends with an error when a schema isn't one that every client bears.
  const { tools } = await ask("tools/list", "--strict");
  for (const name of ["agent__assistant", "everything__get-sum"]) {
    assert.ok(tools.some((one: Json) => one.name === name));
  }
  const sum = await ask("tools/call", "--tool-name", "everything__get-sum", "--tool-args-json", '{"a": 2, "b": 40}');
  assert.equal(sum.content[0].text, "The sum of 2 and 40 is 42.");
  const { resources } = await ask("resources/list");
  const { uri } = resources.find((one: Json) => one.uri.startsWith("muxi://servers/everything/"));
  assert.notEqual((await ask("resources/read", "--uri", uri)).contents[0].text, "");
  const templates = (await ask("resources/templates/list")).resourceTemplates.map((one: Json) => one.uriTemplate);
  assert.ok(templates.includes("muxi://conversations/{conversation_id}"));
  const prompts = (await ask("prompts/list")).prompts.map((one: Json) => one.name);
  for (const name of ["editor__review", "everything__simple-prompt"]) assert.ok(prompts.includes(name), name);
  const review = await ask("prompts/get", "--prompt-name", "editor__review", "--prompt-args", "topic=boats");
  assert.equal(review.messages[0].content.text, "Review boats");
}

Deno.test("the Inspector uses tools, resources and prompts, ours and those of a server behind us, in both eras", {
  ignore,
}, async () => {
  await using server = await openMcpHouse();
  await using desk = await openDesk();
  await inspect(desk, [`${server.url}/mcp`, ...KEY], ["tools/list"]);
  await Promise.all(ERAS.map((era) => useAll(desk, [`${server.url}/mcp`, ...KEY, "--protocol-era", era])));
});

Deno.test("the Inspector before it, made of the SDK before this one, gets through by HTTP, SSE and a program", {
  ignore,
}, async () => {
  await using server = await startServer();
  await using desk = await openDesk();
  for (const target of await waysOfOld(desk, server)) assertAnswered(await inspect(desk, target, ASK_AGENT, OLD));
});

/** It reads only programs from a file. */
async function waysOfOld(desk: Desk, server: TestServer): Promise<string[][]> {
  const [program] = filled(await hostFilesOf("config/deploy/desktop-hosts/README.md"), server);
  return [
    [`${server.url}/mcp`, "--transport", "http", ...KEY],
    [`${server.url}/api/v1/mcp/stream`, "--transport", "sse", ...KEY],
    ...await enter(desk, "host", program!),
  ];
}
