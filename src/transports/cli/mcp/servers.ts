/**
 * Tool servers and their agents, read through the operations.
 *
 * @module
 */
import { AppError } from "../../../domain/error.ts";
import type { McpServerView } from "../../../domain/mcp_server.ts";
import { sleep, systemClock } from "../../../kit/clock.ts";
import { nearest } from "../../../kit/nearest.ts";
import { agentList } from "../../../operations/agents.ts";
import { mcpServerGet, mcpServerList } from "../../../operations/mcp_servers.ts";
import { configGet } from "../../../operations/system.ts";
import type { Connection } from "../connection.ts";
import { UsageError } from "../given.ts";

/** How soon a server that is being tried is looked at again: first, and after a while. */
const FIRST_LOOK_MS = 500;
const LAST_LOOK_MS = 4000;
/** A running server goes on trying by itself, so nobody has to wait for that. */
const PATIENCE_MS = 30_000;
/** What is tried in this process ends with it; trying is over before this, however long it may take. */
const PATIENCE_HERE_MS = 300_000;
/** How long to wait for a server that says something else than was asked. */
const NOISE_PATIENCE_MS = 3000;

/** Every agent's id. */
async function agentIds({ gateway, visit }: Connection): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | null = null;
  do {
    const input = { limit: 100, ...cursor !== null && { cursor } };
    const page: { data: { id: string }[]; next_cursor: string | null } = await gateway.call(
      agentList,
      () => input,
      visit(),
    );
    ids.push(...page.data.map(({ id }) => id));
    cursor = page.next_cursor;
  } while (cursor !== null);
  return ids;
}

/** The servers of an agent, or of all, each once, by name. */
export async function readServers(connection: Connection, agent_id?: string): Promise<McpServerView[]> {
  const { gateway, visit } = connection;
  const found = new Map<string, McpServerView>();
  for (const id of agent_id === undefined ? await agentIds(connection) : [agent_id]) {
    const { data } = await gateway.call(mcpServerList, () => ({ agent_id: id }), visit());
    for (const server of data) found.set(server.name, server);
  }
  return [...found.values()].sort((a, b) => a.name < b.name ? -1 : 1);
}

/** The agents that use the server `name`. Rejects with `NotFoundError` when there are none. */
export async function usersOf(connection: Connection, name: string): Promise<string[]> {
  const servers = await readServers(connection);
  const agents = servers.find((server) => server.name === name)?.agents ?? [];
  if (agents.length > 0) return agents;
  const meant = nearest(name, servers.map((server) => server.name));
  const hint = meant === undefined ? "" : `; did you mean "${meant}"?`;
  throw new AppError("NotFoundError", `Cannot find tool server "${name}": no agent uses one of this name${hint}`);
}

/** The only one of `agents`, which use the server `name`. Throws where there are several. */
export function onlyOf(agents: readonly string[], name: string): string {
  if (agents.length === 1) return agents[0]!;
  throw new UsageError(`Several agents use "${name}": want --agent with one of ${agents.join(", ")}`);
}

/** The agent that is meant where nobody says which. */
export async function defaultAgent({ gateway, visit }: Connection): Promise<string> {
  const { agents } = await gateway.call(configGet, () => ({}), visit()) as { agents?: { default?: unknown } };
  if (typeof agents?.default === "string") return agents.default;
  throw new UsageError("The settings name no agent: want --agent ID");
}

/** Reads a server until it was tried, or until waiting any longer makes no sense: it is `connecting` then. */
export async function untilTried(
  { gateway, visit, url }: Connection,
  { agent_id, server_name, signal }: { agent_id: string; server_name: string; signal: AbortSignal },
): Promise<McpServerView> {
  let until = systemClock.now() + (url === null ? PATIENCE_HERE_MS : PATIENCE_MS);
  for (let pause = FIRST_LOOK_MS;; pause = Math.min(pause * 1.5, LAST_LOOK_MS)) {
    const view = await gateway.call(mcpServerGet, () => ({ agent_id, server_name }), visit());
    const now = systemClock.now();
    if (view.state !== "connecting" || now > until) return view;
    // It is alive, and speaks another language.
    if (view.reason !== null) until = Math.min(until, now + NOISE_PATIENCE_MS);
    await sleep(systemClock, pause, signal);
  }
}
