/**
 * What tool search saves: the tools of four real servers as a model is told of them, against the two that stand for
 * them and what a search answers. By itself: `deno run -A tests/bench/tool_search.ts`.
 *
 * @module
 */
import type { McpServer } from "../../src/domain/mcp_server.ts";
import { toModelResult, type Tool, toToolName } from "../../src/domain/tool.ts";
import { answerSearch, findTools, SEARCH_TOOLS } from "../../src/core/tools/search.ts";
import { connectorForTests, toConnectOptions, toServer } from "../support/mcp_client_connector.ts";

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

const encoder = new TextEncoder();

function say(line: string): void {
  Deno.stdout.writeSync(encoder.encode(`${line}\n`));
}

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

const folder = await Deno.makeTempDir();
try {
  const servers = [
    run("server-everything"),
    run("server-filesystem", folder),
    run("server-memory"),
    run("server-sequential-thinking"),
  ];
  const tools: Tool[] = [];
  for (const server of servers) tools.push(...await toolsOf(server));
  const all = tokens(tools.map(toModelTool));
  const two = tokens(SEARCH_TOOLS.map(toModelTool));
  const answers = WANTED.map(([query]) => tokens(toModelResult(answerSearch({ query }, tools))));
  const mean = Math.round(answers.reduce((sum, one) => sum + one) / answers.length);
  const found = WANTED.filter(([query, tool]) => findTools(query, tools, 5).some(({ name }) => name === tool));
  const first = WANTED.filter(([query, tool]) => findTools(query, tools, 1)[0]?.name === tool);
  say(`${tools.length} tools of ${servers.length} servers: ${all} tokens with every call of the model`);
  say(`tool_search and tool_call: ${two} tokens, ${Math.round((1 - two / all) * 100)} % less`);
  say(
    `one search: ${mean} tokens on average, so that ${two + mean} are ${
      Math.round((1 - (two + mean) / all) * 100)
    } % less`,
  );
  say(
    `the right tool is among five for ${found.length} of ${WANTED.length} questions, first for ${first.length}`,
  );
  for (const [query, tool] of WANTED.filter((one) => !found.includes(one))) {
    say(`  missed: "${query}" (${tool})`);
  }
} finally {
  await Deno.remove(folder, { recursive: true });
}
