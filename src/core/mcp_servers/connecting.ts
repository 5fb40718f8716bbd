/**
 * One attempt to connect, bounded in time, of which nothing is left when it fails.
 *
 * @module
 */
import { McpFailure, type McpServer, type McpServerType } from "../../domain/mcp_server.ts";
import { within } from "../../kit/abortable.ts";
import type { Clock } from "../../kit/clock.ts";
import type { McpConnection, McpConnector, McpHandlers } from "../../ports/mcp_client.ts";

/** How long whoever is told to stop gets for it, before nobody waits any more. */
const GRACE_MS = 10_000;

/** Options for {@linkcode connectTo}. */
export interface ConnectOptions {
  connector: McpConnector;
  clock: Clock;
  signal: AbortSignal;
  handlers: McpHandlers;
  remembered: { era: string; type: McpServerType } | undefined;
  connect_timeout_ms: number;
  timeout_ms: number;
  max_timeout_ms: number;
}

/** Connects to `server`, or rejects with why not, once nothing of the attempt is left. */
export async function connectTo(server: McpServer, options: ConnectOptions): Promise<McpConnection> {
  const { connector, clock, signal, handlers, remembered, connect_timeout_ms: ms } = options;
  const { name, timeout_seconds, max_timeout_seconds } = server;
  const late = () => {
    return new McpFailure("unreachable", `Tool server "${name}" did not answer within ${ms / 1000} s`, { sent: false });
  };
  let connecting: Promise<McpConnection> | undefined;
  try {
    return await within((signal) => {
      return connecting = connector.connect(server, {
        signal,
        handlers,
        timeout_ms: timeout_seconds === undefined ? options.timeout_ms : timeout_seconds * 1000,
        max_timeout_ms: max_timeout_seconds === undefined ? options.max_timeout_ms : max_timeout_seconds * 1000,
        ...remembered && { remembered },
      });
    }, { clock, ms, signal, late });
  } catch (error) {
    // It may come after all, and was told to stop: then it is closed.
    if (connecting) await settled(connecting.then((connection) => connection.close()), clock);
    throw error;
  }
}

/** Waits until `work` ended, well or not, but not for ever. */
export async function settled(work: Promise<unknown>, clock: Clock): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  using _ = clock.after(GRACE_MS, resolve);
  work.then(() => resolve(), () => resolve());
  await promise;
}
