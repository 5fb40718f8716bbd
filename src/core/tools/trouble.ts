/**
 * What may be said of a server that is not ready to those who use its tools.
 *
 * @module
 */
import type { AgentConfig } from "../../domain/agent.ts";
import { AppError } from "../../domain/error.ts";
import type { McpServerTrouble } from "../../domain/mcp_server.ts";
import type { Toolbox, UnreadyServer } from "../../ports/toolbox.ts";
import { withoutSecrets } from "./result.ts";

const ADDRESS = /\b[a-z][a-z\d+.-]*:\/\/[^\s"')]+|\[[\da-f:.]+\](?::\d+)?|\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b/gi;

/** Whose servers are meant. */
export interface TroubleOf {
  tenant_id: string;
  /** Only those that this agent uses. */
  agent?: AgentConfig | undefined;
}

/** The servers that are not ready, as they may be told of. */
export function troublesOf(toolbox: Toolbox, whose: TroubleOf): McpServerTrouble[] {
  return usable(toolbox, whose).map(toTrouble);
}

/** Why nobody knows the tool `name`: nobody has seen yet what its server offers. Undefined where that isn't why. */
export function unseenTool(toolbox: Toolbox, name: string, whose: TroubleOf): AppError | undefined {
  const server = usable(toolbox, whose).find((one) => !one.listed && name.startsWith(`${one.name}__`));
  if (server === undefined) return undefined;
  const { state, reason } = toTrouble(server);
  const why = `tool server "${server.name}" is not ready (${state})${reason === null ? "" : `: ${reason}`}`;
  return new AppError("UpstreamError", `Cannot call tool "${name}": ${why}`, {
    details: { server: server.name, state },
  });
}

function usable(toolbox: Toolbox, { tenant_id, agent }: TroubleOf): UnreadyServer[] {
  const unready = toolbox.unready?.(tenant_id) ?? [];
  return unready.filter(({ name }) => agent === undefined || agent.mcp_servers.some((one) => one.name === name));
}

function toTrouble({ name, state, reason, hidden }: UnreadyServer): McpServerTrouble {
  const clean = reason === null ? null : withoutSecrets(reason.replaceAll(ADDRESS, "[address]"), hidden);
  return { name, state, reason: clean };
}
