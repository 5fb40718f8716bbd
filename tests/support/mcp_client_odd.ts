/**
 * Connections to the odd tool server.
 *
 * @module
 */
import type { McpServer } from "../../src/domain/mcp_server.ts";
import { McpFailure } from "../../src/domain/mcp_server.ts";
import type { McpConnection } from "../../src/ports/mcp_client.ts";
import { connectorForTests, toConnectOptions, toServer } from "./mcp_client_connector.ts";

const ODD = new URL("./mcp_client_odd_server.ts", import.meta.url).pathname;

/** How the odd server is started. */
export function oddServer(mode = "", fields: Partial<McpServer> = {}): McpServer {
  return toServer({ command: "deno", args: ["run", "--no-config", "--no-lock", "-A", ODD, mode], ...fields });
}

/** Connects to it, and closes the connection in the end. */
export async function connectOdd(
  mode?: string,
  { server, lines, ...options }:
    & { server?: Partial<McpServer>; lines?: string[] }
    & Parameters<typeof toConnectOptions>[0] = {},
): Promise<McpConnection & AsyncDisposable> {
  const connection = await connectorForTests({}, lines).connect(oddServer(mode, server), toConnectOptions(options));
  return Object.assign(connection, { [Symbol.asyncDispose]: () => connection.close() });
}

let calls = 0;

/** Options of a call. */
export function callOptions(signal = new AbortController().signal) {
  return { signal, tool_call_id: `call_${calls++}` };
}

/** What `work` fails with. */
export async function failureOf(work: Promise<unknown>): Promise<McpFailure> {
  const thrown = await work.then(() => undefined, (error) => error);
  if (thrown instanceof McpFailure) return thrown;
  throw new Error("Expected a failure between us and a server", { cause: thrown });
}
