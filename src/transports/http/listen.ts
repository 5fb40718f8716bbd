/**
 * Listening for connections.
 *
 * @module
 */
import type { Fetch } from "./server.ts";

/** Where to listen, and how. */
export interface ListenOptions {
  host: string;
  port: number;
  /** Certificate chain and key, in PEM. */
  tls?: { cert: string; key: string };
  onError(error: unknown): Response;
}

/** A server that listens. */
export interface Listener extends AsyncDisposable {
  /** The address, such as `http://127.0.0.1:8000`. */
  address: string;
  /** Takes no further connection, and waits up to `ms` for requests under way. */
  close(ms: number): Promise<void>;
}

/** Listens. Throws what the system says when it can't, such as `Deno.errors.AddrInUse`. */
export function listen(fetch: Fetch, { host, port, tls, onError }: ListenOptions): Listener {
  const hard = new AbortController();
  const server = Deno.serve(
    { hostname: host, port, ...tls, signal: hard.signal, onListen: () => {}, onError },
    (request, info) => fetch(request, info as Parameters<Fetch>[1]),
  );
  const { hostname, port: bound } = server.addr as Deno.NetAddr;
  const name = hostname.includes(":") ? `[${hostname}]` : hostname;
  const close = async (ms: number) => {
    const timer = setTimeout(() => hard.abort(), ms);
    await server.shutdown().catch(() => {});
    clearTimeout(timer);
    await server.finished.catch(() => {});
  };
  return {
    address: `${tls ? "https" : "http"}://${name}:${bound}`,
    close,
    [Symbol.asyncDispose]: () => close(1000),
  };
}
