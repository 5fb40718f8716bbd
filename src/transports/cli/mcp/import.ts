/**
 * `muxi mcp import`.
 *
 * @module
 */
import { AppError } from "../../../domain/error.ts";
import type { McpServer, McpServerView } from "../../../domain/mcp_server.ts";
import type { ServerList } from "../../../domain/mcp_server_list.ts";
import { toSafeJson, toSafeLine } from "../chat/safe_text.ts";
import type { CommandContext } from "../command.ts";
import type { Connection } from "../connection.ts";
import { Sources } from "../derived/sources.ts";
import { EXIT, toExitCode } from "../exit.ts";
import type { Given } from "../given.ts";
import { readHostFile } from "./host_file.ts";
import { readPairs } from "./pairs.ts";
import { type Place, putServer } from "./put.ts";
import { defaultAgent, readServers, untilTried } from "./servers.ts";
import { showServer } from "./show_server.ts";
import { startWaiting } from "./waiting.ts";

/** What became of each server. */
interface Outcome {
  added: McpServerView[];
  failed: AppError[];
}

/** Carries out the command. Answers with {@linkcode EXIT.partial} where some were added and others could not be. */
export async function mcpImport(given: Given, context: CommandContext): Promise<number> {
  const [file = ""] = given.positionals;
  const sources = new Sources(context);
  const inputs = await readPairs(given.list("input"), { flag: "--input", sources });
  const list = await readHostFile(file, { context, sources, inputs });
  sayWhatIsLeft(list, context);
  const outcome = await addAll(list.servers, given, context);
  if (context.json) showJson(list, outcome, context);
  else if (list.servers.length + list.skipped.length === 0) context.terminal.err("Nothing found\n");
  return codeOf(list, outcome);
}

function sayWhatIsLeft({ skipped, notes }: ServerList, { terminal, json, errStyle }: CommandContext): void {
  if (json) return;
  for (const { name, reason } of skipped) terminal.err(`muxi: Skipped ${toSafeLine(`"${name}": ${reason}`)}\n`);
  for (const note of notes) terminal.err(errStyle.dim(`Note: ${toSafeLine(note)}\n`));
}

async function addAll(servers: readonly McpServer[], given: Given, context: CommandContext): Promise<Outcome> {
  const outcome: Outcome = { added: [], failed: [] };
  if (servers.length === 0) return outcome;
  const connection = await context.connect();
  const agent_id = given.text("agent") ?? await defaultAgent(connection);
  const known = new Map((await readServers(connection)).map((view) => [view.name, view]));
  for (const server of servers) {
    const { name } = server;
    const replaced = known.get(name);
    try {
      if (replaced && given.flag("replace") !== true) throw toSkipped(replaced);
      const view = await addOne(server, { agent_id, replaced, connection, context });
      outcome.added.push(view);
      const title = replaced ? `Replaced "${name}" of agent "${agent_id}"` : `Added "${name}" to agent "${agent_id}"`;
      if (!context.json) showServer(view, title, context);
    } catch (error) {
      if (!(error instanceof AppError) || context.signal.aborted) throw error;
      outcome.failed.push(error);
      if (!context.json) context.terminal.err(`muxi: ${toSafeLine(error.message)}\n`);
    }
  }
  return outcome;
}

/** Why a server is left out whose name another has: what that does works, as far as anybody knows here. */
function toSkipped({ name, url, command }: McpServerView): AppError {
  const what = `Skipped "${name}": ${url ?? command ?? "another server"} has this name already`;
  return new AppError("ConflictError", `${what}. --replace puts the file's in its place`, {
    details: { server: name },
  });
}

async function addOne(
  server: McpServer,
  { connection, context, ...place }: Place & { connection: Connection; context: CommandContext },
): Promise<McpServerView> {
  using _ = startWaiting(context, `Fetching and starting "${server.name}"`);
  const { agent_id } = place;
  await putServer(connection, server, place);
  return await untilTried(connection, { agent_id, server_name: server.name, signal: context.signal });
}

function showJson({ skipped, notes }: ServerList, { added, failed }: Outcome, { terminal }: CommandContext): void {
  const data = [...added, ...failed.map((error) => error.toBody())];
  terminal.out(`${toSafeJson({ data, skipped, notes })}\n`);
}

function codeOf({ skipped }: ServerList, { added, failed: [first, ...more] }: Outcome): number {
  const missing = skipped.length + more.length + (first ? 1 : 0);
  if (missing > 0 && added.length > 0) return EXIT.partial;
  if (skipped.length > 0) return EXIT.data;
  if (first) return toExitCode(first.name);
  return added.every(({ state }) => state === "ready") ? EXIT.ok : EXIT.unavailable;
}
