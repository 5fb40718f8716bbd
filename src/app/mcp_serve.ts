/**
 * MCP on standard input and output: MUXI as a server that a desktop host starts.
 *
 * @module
 */
import type { Principal } from "../domain/access.ts";
import { systemClock } from "../kit/clock.ts";
import type { Gateway } from "../operations/gateway.ts";
import { toolCall } from "../operations/tools.ts";
import type { Connection } from "../transports/cli/connection.ts";
import { serveStdio } from "../transports/mcp/stdio.ts";
import { VERSION } from "../version.ts";

/** A model at a desktop is not its owner: it is offered what an application may use, and the tools behind it. */
function toHost(principal: Principal): Principal {
  return { ...principal, access: "user", scopes: toolCall.scopes ?? [] };
}

/** `gateway`, to which everybody is `principal`: who started this process was identified. */
function identifying(gateway: Gateway, principal: Principal): Gateway {
  return {
    operations: gateway.operations,
    identify: () => Promise.resolve(principal),
    call: gateway.call.bind(gateway),
    stream: gateway.stream.bind(gateway),
    connect: gateway.connect.bind(gateway),
  };
}

/** Serves until the input ends, or `signal` aborts. */
export async function mcpServe(
  { gateway, visit, url }: Connection,
  { admin, signal }: { admin: boolean; signal: AbortSignal },
): Promise<void> {
  const { principal: known, address, request_id } = visit();
  // What the key may is known to the server at `url`, which refuses what is too much.
  const principal = admin ? { ...known, ...url !== null && { access: "admin" as const } } : toHost(known);
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
