/**
 * `muxi mcp list`.
 *
 * @module
 */
import type { McpServerView } from "../../../domain/mcp_server.ts";
import type { CommandContext } from "../command.ts";
import { ListView } from "../derived/show.ts";
import type { Row } from "../derived/table.ts";
import type { Given } from "../given.ts";
import { readServers, untilTried } from "./servers.ts";
import { startWaiting } from "./waiting.ts";

/** What a person looks for first. */
function toRow({ name, state, tools, agents, sandbox, url, command, reason, last_error }: McpServerView): Row {
  return {
    name,
    state,
    tools: tools.length,
    agents,
    policy: sandbox === null ? "" : `${sandbox.policy} (${sandbox.tier})`,
    where: url ?? command ?? "",
    reason: reason ?? (state === "ready" ? "" : last_error ?? ""),
  };
}

/** Carries out the command. */
export async function mcpList(given: Given, context: CommandContext): Promise<void> {
  const agent_id = given.text("agent");
  const connection = await context.connect();
  let servers = await readServers(connection, agent_id);
  // A process that has just begun has only begun to try them.
  if (connection.url === null && servers.some(({ state }) => state === "connecting")) {
    using _ = startWaiting(context, "Trying the servers");
    servers = await Promise.all(servers.map(({ name, agents: [first = ""] }) => {
      return untilTried(connection, { agent_id: agent_id ?? first, server_name: name, signal: context.signal });
    }));
  }
  const view = new ListView(context, []);
  view.add(context.json ? servers : servers.map(toRow));
  view.end({});
}
