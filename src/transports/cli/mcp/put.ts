/**
 * Lets an agent use a server, if need be in the place of another.
 *
 * @module
 */
import type { z } from "zod";
import { AppError } from "../../../domain/error.ts";
import type { McpServerChange } from "../../../domain/mcp_change.ts";
import { McpServer, type McpServerView } from "../../../domain/mcp_server.ts";
import { mcpServerAdd, mcpServerRemove, mcpServerUpdate } from "../../../operations/mcp_servers.ts";
import type { Connection } from "../connection.ts";

/** What an agent is to use, and which of its tools. */
export type Definition = Omit<z.input<typeof mcpServerAdd.input>, "agent_id">;

/** For whom, and in whose place. */
export interface Place {
  agent_id: string;
  /** What has the name and is to be replaced. */
  replaced?: McpServerView | undefined;
}

/** Does it. What other agents use, too, is replaced for all of them. */
export async function putServer(
  { gateway, visit }: Connection,
  { allow = [], ...server }: Definition,
  { agent_id, replaced }: Place,
): Promise<void> {
  const add = (definition: Definition) => gateway.call(mcpServerAdd, () => ({ ...definition, agent_id }), visit());
  const other = replaced?.agents.find((id) => id !== agent_id);
  const isPlace = server.url !== undefined || server.command !== undefined;
  // What isn't said is left to the operation.
  const definition = { ...server, ...allow.length > 0 && { allow } };
  if (other === undefined || !isPlace) return void await add(definition);
  const update = (change: McpServerChange) => {
    return gateway.call(mcpServerUpdate, () => ({ ...change, agent_id: other, server_name: server.name }), visit());
  };
  const change = toChange(McpServer.parse(server));
  await update(change).catch(async (error) => {
    const left = error instanceof AppError ? error.details?.given_before : undefined;
    if (!Array.isArray(left)) throw error;
    await update(withoutOld(change, left));
  });
  const isUser = replaced!.agents.includes(agent_id);
  if (isUser && allow.length > 0) {
    // What it was allowed of the former one goes. The server stays, since the other agent uses it.
    await gateway.call(mcpServerRemove, () => ({ agent_id, server_name: server.name }), visit());
  }
  if (!isUser || allow.length > 0) {
    await add({ name: server.name, ...allow.length > 0 && { allow } });
  }
}

/** All that a server is, as a change of another. */
function toChange({ name: _, url, command, credentials, ...server }: McpServer): McpServerChange {
  return {
    ...server,
    ...url !== undefined && { url },
    ...command !== undefined && { command },
    type: server.type ?? null,
    cwd: server.cwd ?? null,
    credentials: credentials.map(({ id, value, param_name, required }) => ({ id, value, param_name, required })),
    oauth: server.oauth ?? null,
    timeout_seconds: server.timeout_seconds ?? null,
    max_timeout_seconds: server.max_timeout_seconds ?? null,
    idle_seconds: server.idle_seconds ?? null,
    enabled_tools: server.enabled_tools ?? null,
    disabled_tools: server.disabled_tools ?? null,
  };
}

/** `change` that also takes the fields `left` away (`headers.x`), which the replaced server was trusted with. */
function withoutOld(change: McpServerChange, left: readonly string[]): McpServerChange {
  const namesIn = (field: string) =>
    left.filter((path) => path.startsWith(`${field}.`)).map((path) => path.slice(field.length + 1));
  const gone = (field: string) => Object.fromEntries(namesIn(field).map((name) => [name, null]));
  return {
    ...change,
    env: { ...gone("env"), ...change.env },
    headers: { ...gone("headers"), ...change.headers },
    credentials: [...change.credentials ?? [], ...namesIn("credentials").map((id) => ({ id, value: null }))],
  };
}
