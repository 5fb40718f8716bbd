/**
 * Whether a server lives.
 *
 * @module
 */
import { McpFailure } from "../../domain/mcp_server.ts";
import { within } from "../../kit/abortable.ts";
import type { Clock } from "../../kit/clock.ts";
import type { McpConnection } from "../../ports/mcp_client.ts";

/** How long it may take to answer a ping. */
const PING_MS = 5000;
const TRIES = 2;

/** Pings a server, a second time where it fails. Resolves with why it doesn't live; undefined where it does. */
export async function findDead(
  connection: McpConnection,
  { clock, signal, onDoubt }: { clock: Clock; signal: AbortSignal; onDoubt: (reason: Error) => void },
): Promise<Error | undefined> {
  const late = () => new McpFailure("closed", "it does not answer any more", { sent: true });
  let reason: Error | undefined;
  for (let tries = 0; tries < TRIES; tries++) {
    try {
      await within((signal) => connection.ping(signal), { clock, ms: PING_MS, signal, late });
      return undefined;
    } catch (error) {
      reason = error instanceof Error ? error : new Error(String(error));
      if (signal.aborted) break;
      onDoubt(reason);
    }
  }
  return reason;
}
