/**
 * The MCP client by itself.
 *
 * @module
 */
import { createMcpConnector, type McpConnectorDeps } from "../../src/adapters/mcp/connector.ts";
import { McpServer } from "../../src/domain/mcp_server.ts";
import { systemClock } from "../../src/kit/clock.ts";
import { createLog } from "../../src/kit/log.ts";
import type { McpConnectOptions, McpHandlers } from "../../src/ports/mcp_client.ts";
import type { McpGrant, McpGrantKey, McpTokens } from "../../src/ports/mcp_tokens.ts";
import { spawnPlainly } from "./mcp_client_process.ts";

/** Log lines of {@linkcode connectorForTests}. */
export type Lines = string[];

/** A connector that starts programs without a sandbox. */
export function connectorForTests(deps: Partial<McpConnectorDeps> = {}, lines: Lines = []) {
  return createMcpConnector({
    info: { name: "muxi-tests", version: "0" },
    spawn: spawnPlainly,
    variables: () => undefined,
    clock: systemClock,
    log: createLog({ level: "debug", format: "json", write: (line) => void lines.push(line) }),
    ...deps,
  });
}

/** A server's definition, with what it may leave out. */
export function toServer(fields: Partial<McpServer>): McpServer {
  return McpServer.parse({ name: "upstream", ...fields });
}

/** Options of a connection; `handlers` replace those that decline everything. */
export function toConnectOptions(
  { handlers, ...options }: Partial<Omit<McpConnectOptions, "handlers">> & { handlers?: Partial<McpHandlers> } = {},
): McpConnectOptions {
  return {
    signal: new AbortController().signal,
    timeout_ms: 20_000,
    max_timeout_ms: 60_000,
    handlers: {
      onListChanged: () => {},
      onResourceUpdated: () => {},
      elicit: () => Promise.resolve({ action: "decline" }),
      sample: () => Promise.reject(new Error("No model here")),
      ...handlers,
    },
    ...options,
  };
}

/** Tokens kept in memory. */
export function tokensInMemory(): McpTokens & { grants: Map<string, McpGrant> } {
  const grants = new Map<string, McpGrant>();
  const keyOf = ({ server, user_id = "" }: McpGrantKey) => `${server} ${user_id}`;
  return {
    grants,
    load: (key) => Promise.resolve(grants.get(keyOf(key))),
    change(key, change) {
      const grant = change(grants.get(keyOf(key)));
      grants.set(keyOf(key), grant);
      return Promise.resolve(grant);
    },
    remove: (key) => Promise.resolve(void grants.delete(keyOf(key))),
    take(state) {
      const found = grants.entries().find(([, grant]) => grant.state === state);
      if (found) grants.set(found[0], { secrets: found[1].secrets });
      return Promise.resolve(found !== undefined);
    },
    find(state) {
      const found = grants.entries().find(([, grant]) => grant.state === state);
      if (!found) return Promise.resolve(undefined);
      const [server = "", user_id = ""] = found[0].split(" ");
      return Promise.resolve({ server, ...user_id !== "" && { user_id } });
    },
  };
}
