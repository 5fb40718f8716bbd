/**
 * `muxi mcp add`.
 *
 * @module
 */
import { AppError } from "../../../domain/error.ts";
import { shownCommand, shownUrl } from "../../../domain/mcp_secrets.ts";
import type { McpServerType, McpServerView } from "../../../domain/mcp_server.ts";
import { matches } from "../../../kit/wildcard.ts";
import { agentGet } from "../../../operations/agents.ts";
import type { CommandContext } from "../command.ts";
import type { Connection } from "../connection.ts";
import { Sources } from "../derived/sources.ts";
import { EXIT } from "../exit.ts";
import type { Given } from "../given.ts";
import { grantAccess, rightsOf } from "./grant.ts";
import { readPairs } from "./pairs.ts";
import { noteStrayArguments, toGrant, toPath } from "./places.ts";
import { type Definition, putServer } from "./put.ts";
import { defaultAgent, readServers, untilTried } from "./servers.ts";
import { showServer } from "./show_server.ts";
import { readTarget, refuseOwnAddress, type Target } from "./target.ts";
import { startWaiting } from "./waiting.ts";

async function toDefinition(given: Given, context: CommandContext): Promise<Definition> {
  const [name = "", ...words] = given.positionals;
  const target = readTarget(words);
  refuseOwnAddress(target, context.url);
  const sources = new Sources(context);
  const read = (option: string) => {
    return readPairs(given.list(option), { flag: `--${option}`, sources, colon: option === "header" });
  };
  const [cwd, type, allow] = [given.text("cwd"), given.text("type"), given.list("allow")];
  return {
    name,
    ...target,
    ...type !== undefined && { type: type as McpServerType },
    ...cwd !== undefined && { cwd: toPath(cwd, { flag: "--cwd", context }) },
    ...allow.length > 0 && { allow: [...allow] },
    env: await read("env"),
    headers: await read("header"),
  };
}

/** Whether `view` is what stands behind the name in `definition`; nothing there means whatever it is. */
function isSame({ url, command }: McpServerView, { url: newUrl, command: program, args }: Target): boolean {
  if (newUrl !== undefined) return url === shownUrl(newUrl);
  return program === undefined || command === shownCommand({ command: program, args: args ?? [] });
}

/** Throws where another server has the name, unless it is to be replaced. */
function checkName(known: McpServerView, definition: Definition): void {
  const { name, command, url } = known;
  const what = `Cannot add "${name}": ${url ?? command ?? "another server"} has this name already`;
  const how = `--replace puts this one in its place, "muxi mcp remove ${name}" takes it away with its rights`;
  if (!isSame(known, definition)) throw new AppError("ConflictError", `${what}. ${how}`, { details: { server: name } });
}

function toTitle({ name, ...target }: Definition, agent_id: string, known: McpServerView | undefined): string {
  if (known && !isSame(known, target)) return `Replaced "${name}" of agent "${agent_id}"`;
  return known?.agents.includes(agent_id)
    ? `"${name}" of agent "${agent_id}" was there already`
    : `Added "${name}" to agent "${agent_id}"`;
}

/** Which of the server's tools the agent may call, and which patterns match none. */
async function readAllowed({ gateway, visit }: Connection, view: McpServerView, { agent_id, allow = [] }: {
  agent_id: string;
  allow?: readonly string[] | undefined;
}) {
  const { allowed_tools } = await gateway.call(agentGet, () => ({ agent_id }), visit());
  const own = view.tools.map((tool) => tool.slice(view.name.length + 2));
  const idle = view.state === "ready" ? allow.filter((pattern) => !own.some((tool) => matches(pattern, tool))) : [];
  return {
    isAllowed: (tool: string) => allowed_tools.some((pattern) => matches(pattern, tool)),
    notes: idle.map((pattern) => `--allow ${pattern} matches none of its tools`),
  };
}

/** Which tools of the server `name` the agent may call, by the server's own names. */
async function readPatterns({ gateway, visit }: Connection, agent_id: string, name: string): Promise<string[]> {
  const { allowed_tools } = await gateway.call(agentGet, () => ({ agent_id }), visit());
  const prefix = `${name}__`;
  return allowed_tools.filter((pattern) => pattern.startsWith(prefix)).map((pattern) => pattern.slice(prefix.length));
}

/** Carries out the command. Answers with the exit code. */
export async function mcpAdd(given: Given, context: CommandContext): Promise<number> {
  const definition = await toDefinition(given, context);
  const grant = await toGrant(given, context);
  await noteStrayArguments(definition, context);
  const { name } = definition;
  const replace = given.flag("replace") === true;
  const connection = await context.connect();
  const agent_id = given.text("agent") ?? await defaultAgent(connection);
  const known = (await readServers(connection)).find((server) => server.name === name);
  if (known && !replace) checkName(known, definition);
  if (grant) await grantAccess(connection, name, { ...grant, replace });
  if (!replace && known?.agents.includes(agent_id)) {
    const present = await readPatterns(connection, agent_id, name);
    definition.allow = [...new Set([...present, ...definition.allow ?? []])];
  }
  let view;
  {
    using _ = startWaiting(context, `Fetching and starting "${name}"`);
    await putServer(connection, definition, { agent_id, replaced: replace ? known : undefined });
    view = await untilTried(connection, { agent_id, server_name: name, signal: context.signal });
  }
  const { isAllowed, notes } = await readAllowed(connection, view, { agent_id, allow: given.list("allow") });
  const rights = view.command === null ? [] : [await rightsOf(connection, name)];
  const title = toTitle(definition, agent_id, known);
  showServer(view, title, { ...context, isAllowed, notes: [...rights, ...notes] });
  return view.state === "ready" ? EXIT.ok : EXIT.unavailable;
}
