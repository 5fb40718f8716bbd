/**
 * MCP on standard input and output: MUXI as a server that a desktop host starts.
 *
 * @module
 */
import type { Principal } from "../domain/access.ts";
import { AppError } from "../domain/error.ts";
import { systemClock } from "../kit/clock.ts";
import type { Gateway } from "../operations/gateway.ts";
import { promptList } from "../operations/prompts.ts";
import { systemStatus } from "../operations/system.ts";
import type { Connection } from "../transports/cli/connection.ts";
import { serveStdio } from "../transports/mcp/stdio.ts";
import { VERSION } from "../version.ts";

/** The scopes of the key that the server at the other end knows; throws where it doesn't answer, or knows no such key. */
async function scopesAt({ gateway, visit }: Connection): Promise<readonly string[]> {
  try {
    // It wants the scopes of every tool, and changes nothing.
    await gateway.call(promptList, () => ({ limit: 1 }), visit());
    return promptList.scopes ?? [];
  } catch (error) {
    if (error instanceof AppError && error.name === "ForbiddenError") return [];
    throw error;
  }
}

/** `gateway`, to which everybody is `principal`: who started this process was identified. */
function identifying(gateway: Gateway, principal: Principal): Gateway {
  return {
    operations: gateway.operations,
    identify: () => Promise.resolve(principal),
    admit: gateway.admit.bind(gateway),
    call: gateway.call.bind(gateway),
    stream: gateway.stream.bind(gateway),
    connect: gateway.connect.bind(gateway),
  };
}

/**
 * Serves until the input ends and what came is answered, or `signal` aborts. Throws before the first message where the
 * server can't be reached or refuses the key: a host shows what stands on the standard error.
 */
export async function mcpServe(
  connection: Connection,
  { admin, signal }: { admin: boolean; signal: AbortSignal },
): Promise<void> {
  const { gateway, visit, url } = connection;
  const { principal: known, address, request_id } = visit();
  const scopes = url === null ? promptList.scopes ?? [] : await scopesAt(connection);
  // A host is told at once that its key is no admin's.
  if (admin && url !== null) await gateway.call(systemStatus, () => ({}), visit());
  const principal: Principal = { ...known, access: admin ? "admin" : "user", scopes };
  await serveStdio({
    gateway: identifying(gateway, principal),
    clock: systemClock,
    version: VERSION,
    credentials: { address, request_id },
    stdin: Deno.stdin.readable,
    stdout: Deno.stdout.writable,
    signal,
  });
}
