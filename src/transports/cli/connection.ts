/**
 * A way to the operations: in this process, or on a server.
 *
 * @module
 */
import type { Gateway } from "../../operations/gateway.ts";
import type { Visit } from "../../operations/operation.ts";

/** Which way to take. */
export interface ConnectOptions {
  /** The server's address; without it the work is done in this process. */
  url?: string | undefined;
  /** The key for that server; without it only what is public can be used. */
  key?: string | undefined;
  /** Whether runs are carried out in this process, those an earlier one left included. */
  runs: boolean;
  /** How often a stream that broke off is taken up again by itself; as often as the client does unless told. */
  retries?: number | undefined;
  /** The command's; once aborted, closing waits for no run. */
  signal: AbortSignal;
}

/** A way to the operations. */
export interface Connection {
  gateway: Gateway;
  /** The server's address; null where the work is done in this process. */
  url: string | null;
  /** What a call of the gateway wants to know of its caller; its signal is the command's unless told. */
  visit(options?: { signal?: AbortSignal; idempotency_key?: string }): Visit;
}

/** A {@linkcode Connection} that somebody has to close. In this process, closing gives runs time to end. */
export type OpenConnection = Connection & AsyncDisposable;
