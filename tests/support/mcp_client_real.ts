/**
 * Tool servers of others, over HTTP, as processes.
 *
 * @module
 */
import { McpFailure } from "../../src/domain/mcp_server.ts";
import type { McpConnection } from "../../src/ports/mcp_client.ts";
import { connectorForTests, toConnectOptions, toServer } from "./mcp_client_connector.ts";
import { PATIENCE_MS } from "./waiting.ts";

/** The reference server with one of everything. */
export const EVERYTHING = "npm:@modelcontextprotocol/server-everything@2026.8.31";

/** Runs `args` under Deno until disposed, with all that it started. */
export function startReal(args: string[], env: Record<string, string> = {}): AsyncDisposable {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-config", "--no-lock", "-A", ...args],
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
    stdout: "null",
    stderr: "null",
    detached: true,
  }).spawn();
  return {
    async [Symbol.asyncDispose]() {
      try {
        Deno.kill(-child.pid, "SIGKILL");
      } catch {
        // It is gone already.
      }
      await child.status;
    },
  };
}

/** Connects to `url` as soon as somebody is there. */
export async function connectReal(
  url: string,
  options: Parameters<typeof toConnectOptions>[0] = {},
  type?: "http_sse",
): Promise<McpConnection & AsyncDisposable> {
  for (const end = performance.now() + PATIENCE_MS;;) {
    try {
      const server = toServer({ url, ...type && { type } });
      const connection = await connectorForTests().connect(server, toConnectOptions(options));
      return Object.assign(connection, { [Symbol.asyncDispose]: () => connection.close() });
    } catch (error) {
      if (!(error instanceof McpFailure) || error.kind !== "unreachable" || performance.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
