/**
 * `muxi mcp add`.
 *
 * @module
 */
import { isAbsolute, resolve } from "node:path";
import type { z } from "zod";
import type { McpServerType } from "../../../domain/mcp_server.ts";
import { mcpServerAdd } from "../../../operations/mcp_servers.ts";
import type { CommandContext } from "../command.ts";
import { Sources } from "../derived/sources.ts";
import { EXIT } from "../exit.ts";
import { type Given, UsageError } from "../given.ts";
import { type Grant, grantAccess } from "./grant.ts";
import { readPairs } from "./pairs.ts";
import { defaultAgent, untilTried } from "./servers.ts";
import { showServer } from "./show_server.ts";
import { startWaiting } from "./waiting.ts";

type Definition = Omit<z.input<typeof mcpServerAdd.input>, "agent_id">;

const ADDRESS = /^(https?|wss?):\/\//i;
const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** A path as the server's machine knows it. */
function toPath(path: string, flag: string, url: string | undefined): string {
  const here = url === undefined || LOOPBACK.test(new URL(url).hostname);
  if (here || isAbsolute(path)) return here ? resolve(path) : path;
  throw new UsageError(`Cannot use ${flag} ${path}: want the whole path, since the server is on another machine`);
}

function targetOf([first, ...rest]: readonly string[]): Pick<Definition, "url" | "command" | "args"> {
  if (first === undefined) return {};
  if (!ADDRESS.test(first)) return { command: first, args: rest };
  if (rest.length === 0) return { url: first };
  throw new UsageError(`Cannot use "${rest[0]}": nothing stands behind an address`);
}

async function toDefinition(given: Given, context: CommandContext): Promise<Definition> {
  const [name = "", ...target] = given.positionals;
  const sources = new Sources(context);
  const read = (option: string) => readPairs(given.list(option), { flag: `--${option}`, sources });
  const [cwd, type, allow] = [given.text("cwd"), given.text("type"), given.list("allow")];
  return {
    name,
    ...targetOf(target),
    ...type !== undefined && { type: type as McpServerType },
    ...cwd !== undefined && { cwd: toPath(cwd, "--cwd", context.url) },
    ...allow.length > 0 && { allow: [...allow] },
    env: await read("env"),
    headers: await read("header"),
  };
}

function toGrant(given: Given, { url }: CommandContext): Grant | undefined {
  const paths = (option: string) => given.list(option).map((path) => toPath(path, `--${option}`, url));
  const grant = { read: paths("read"), write: paths("write"), net: [...given.list("net")] };
  return Object.values(grant).every((list) => list.length === 0) ? undefined : grant;
}

/** Carries out the command. Answers with the exit code. */
export async function mcpAdd(given: Given, context: CommandContext): Promise<number> {
  const definition = await toDefinition(given, context);
  const grant = toGrant(given, context);
  const { name } = definition;
  const connection = await context.connect();
  const { gateway, visit } = connection;
  const agent_id = given.text("agent") ?? await defaultAgent(connection);
  if (grant) await grantAccess(connection, name, grant);
  let view;
  {
    using _ = startWaiting(context, `Fetching and starting "${name}"`);
    await gateway.call(mcpServerAdd, () => ({ ...definition, agent_id }), visit());
    view = await untilTried(connection, { agent_id, server_name: name, signal: context.signal });
  }
  showServer(view, `Added "${name}" to agent "${agent_id}"`, context);
  return view.state === "ready" ? EXIT.ok : EXIT.unavailable;
}
