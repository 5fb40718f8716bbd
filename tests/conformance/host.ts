/**
 * The production door with the fixture behind it.
 *
 * @module
 */
import type { Gateway } from "../../src/operations/gateway.ts";
import { systemClock } from "../../src/kit/clock.ts";
import { createLog } from "../../src/kit/log.ts";
import { readJson } from "../../src/transports/http/body.ts";
import { createCors } from "../../src/transports/http/cors.ts";
import { listen } from "../../src/transports/http/listen.ts";
import { createFetch, createRouter, type TellError } from "../../src/transports/http/server.ts";
import { mountMcp } from "../../src/transports/mcp/mount.ts";
import { toMcpResponse } from "../../src/transports/mcp/plain_error.ts";
import { createOriginCheck } from "../../src/transports/mcp/origins.ts";
import { EventStreams } from "../../src/transports/streams.ts";
import { ANONYMOUS } from "../../src/domain/access.ts";
import { createFixture } from "./fixture/catalog.ts";

/** A server for the suite, which shows no key: everybody is a user here. */
export interface Host extends AsyncDisposable {
  /** Where MCP is spoken. */
  url: string;
}

/** Starts it on a free port. */
export async function startHost(): Promise<Host> {
  await using stack = new AsyncDisposableStack();
  const refuse = () => Promise.reject(new Error("The fixture has no operations"));
  const gateway: Gateway = {
    operations: new Map(),
    identify: () => Promise.resolve({ ...ANONYMOUS, key_id: "suite", access: "user" }),
    admit: () => Promise.resolve(),
    call: refuse,
    stream: refuse,
    connect: refuse,
  };
  const cors = createCors({ origins: [] });
  const log = createLog({ level: "error", format: "json", write: () => {} });
  const tell: TellError = (error) => toMcpResponse(error);
  const app = createRouter({ tell, base_path: "", log });
  const streams = stack.use(new EventStreams({ clock: systemClock, keepalive_ms: 15_000, write_timeout_ms: 60_000 }));
  stack.use(
    mountMcp(app, gateway, {
      openCatalog: () => Promise.resolve(createFixture()),
      streams,
      clock: systemClock,
      readJson: (request) => readJson(request, { max_bytes: 1_000_000, timeout_ms: 30_000 }),
      findFault: createOriginCheck({ host: "127.0.0.1", proxied: false, allows: cors.allows }),
      keepalive_ms: 15_000,
      write_timeout_ms: 60_000,
      max_message: 1_000_000,
      max_sessions: 100,
      session_idle_ms: 60_000,
    }),
  );
  const fetch = createFetch(app, {
    base_path: "",
    trusted_proxies: [],
    max_header_bytes: 16_384,
    max_requests: 1000,
    tls: false,
    log,
    tell,
    cors: () => cors,
  });
  const listener = stack.use(
    listen(fetch, { host: "127.0.0.1", port: 0, onError: () => new Response(null, { status: 500 }) }),
  );
  const owned = stack.move();
  return { url: `${listener.address}/mcp`, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

if (import.meta.main) {
  const { url } = await startHost();
  await Deno.stdout.write(new TextEncoder().encode(`${url}\n`));
  await new Promise(() => {});
}
