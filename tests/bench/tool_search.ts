/**
 * What tool search saves: the tools of four real servers as a model is told of them, against the two that stand for
 * them and what a search answers.
 *
 * @module
 */
import type { McpServer } from "../../src/domain/mcp_server.ts";
import { toModelResult, type Tool, toToolName } from "../../src/domain/tool.ts";
import { answerSearch, findTools, SEARCH_TOOLS } from "../../src/core/tools/search.ts";
import { connectorForTests, toConnectOptions, toServer } from "../support/mcp_client_connector.ts";
import { openFolder } from "./support/child.ts";
import { runWalks, type Walk } from "./support/report.ts";

const VERSION = "2026.8.31";
const run = (name: string, ...args: string[]): Partial<McpServer> => ({
  name: name.replace(/^server-/, ""),
  command: Deno.execPath(),
  args: ["run", "-A", "--no-config", "--no-lock", `npm:@modelcontextprotocol/${name}@${VERSION}`, ...args],
});

/** What people want, and the tool that does it. */
const WANTED: readonly [question: string, tool: string][] = [
  ["read a text file", "filesystem__read_text_file"],
  ["write text to a file", "filesystem__write_file"],
  ["list the files of a folder", "filesystem__list_directory"],
  ["find files by name pattern", "filesystem__search_files"],
  ["rename a file", "filesystem__move_file"],
  ["change some lines in a file", "filesystem__edit_file"],
  ["remember that Ada knows Grace", "memory__create_relations"],
  ["search what is known about a person", "memory__search_nodes"],
  ["forget an entity", "memory__delete_entities"],
  ["think step by step about a problem", "sequential-thinking__sequentialthinking"],
  ["add two numbers", "everything__get-sum"],
  ["show a tiny picture", "everything__get-tiny-image"],
];

/** Four characters to a token, as providers' own rules of thumb have it. */
const tokens = (value: unknown) => Math.round(JSON.stringify(value).length / 4);

function toModelTool({ name, description, parameters }: Tool) {
  return { type: "function", function: { name, description, parameters } };
}

async function toolsOf(fields: Partial<McpServer>): Promise<Tool[]> {
  const server = toServer(fields);
  const connection = await connectorForTests().connect(server, toConnectOptions({ timeout_ms: 120_000 }));
  try {
    const offered = await connection.listTools(new AbortController().signal);
    return offered.map(({ input_schema: parameters, ...tool }) => {
      return {
        ...tool,
        parameters,
        name: toToolName(server.name, tool.name),
        own_name: tool.name,
        server: server.name,
      };
    });
  } finally {
    await connection.close();
  }
}

/** See the module. */
export const toolSearch: Walk = async ({ note }) => {
  await using folder = await openFolder();
  const servers = [
    run("server-everything"),
    run("server-filesystem", folder.path),
    run("server-memory"),
    run("server-sequential-thinking"),
  ];
  const tools: Tool[] = [];
  for (const server of servers) tools.push(...await toolsOf(server));
  note(`  ${tools.length} tools of ${servers.length} servers`);
  const all = tokens(tools.map(toModelTool));
  const two = tokens(SEARCH_TOOLS.map(toModelTool));
  const answers = WANTED.map(([query]) => tokens(toModelResult(answerSearch({ query }, tools))));
  const search = answers.reduce((sum, one) => sum + one) / answers.length;
  const missed = WANTED.filter(([query, tool]) => findTools(query, tools, 5).every(({ name }) => name !== tool));
  for (const [query, tool] of missed) note(`  not found by "${query}": ${tool}`);
  return [
    {
      name: "what a model is told of the tools, by tool search",
      unit: "tokens",
      product: two,
      baseline: all,
      goal: { most: 0.05, of: "ratio" },
    },
    {
      name: "the same with what one search answers",
      unit: "tokens",
      product: two + search,
      baseline: all,
      goal: { most: 0.2, of: "ratio" },
    },
    {
      name: "questions for which the right tool is among the first five",
      unit: `of ${WANTED.length}`,
      product: WANTED.length - missed.length,
      goal: { least: WANTED.length - 1, of: "figure" },
    },
  ];
};

if (import.meta.main) await runWalks({ tool_search: toolSearch });
