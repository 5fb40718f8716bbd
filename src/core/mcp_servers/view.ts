/**
 * A tool server as people see it.
 *
 * @module
 */
import { shownCommand, shownUrl } from "../../domain/mcp_secrets.ts";
import type { McpServer, McpServerView } from "../../domain/mcp_server.ts";
import type { Upstream } from "./upstream.ts";

/** What is seen of a server that nothing defines any more. */
const GONE: Pick<McpServerView, "state" | "reason"> = { state: "stopped", reason: "Nothing defines it any more" };

/** `server` with how it does, and who uses it. */
export function toView(server: McpServer, upstream: Upstream | undefined, agents: string[]): McpServerView {
  const { name, type, url, command } = upstream?.definition ?? server;
  const { connection, offers, tally, report } = upstream ?? {};
  const { state, reason } = upstream ?? GONE;
  return {
    name,
    type: type ?? upstream?.agreed?.type ?? null,
    url: url === undefined ? null : shownUrl(url),
    command: command === undefined ? null : shownCommand(upstream?.definition ?? server),
    agents,
    state,
    reason,
    era: upstream?.agreed?.era ?? null,
    server: connection ? { name: connection.server.name, version: connection.server.version } : null,
    instructions: connection?.instructions ?? null,
    tools: offers?.tools.map((tool) => tool.name) ?? [],
    resources: offers?.resources.length ?? 0,
    prompts: offers?.prompts.length ?? 0,
    sandbox: report ? { ...report, decisions: report.decisions() } : null,
    calls: tally?.calls ?? 0,
    failures: tally?.failures ?? 0,
    latency_ms: tally?.latency_ms ?? null,
    restarts: tally?.restarts ?? 0,
    last_error: tally?.last_error ?? null,
    sign_in_url: upstream?.sign_in_url ?? null,
  };
}
