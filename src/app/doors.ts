/**
 * The doors that are open, around one gateway.
 *
 * @module
 */
import type { Clock } from "../kit/clock.ts";
import type { Log } from "../kit/log.ts";
import type { Gateway } from "../operations/gateway.ts";
import type { Settings } from "../settings/schema.ts";
import { createCors } from "../transports/http/cors.ts";
import { createInputReader } from "../transports/http/input.ts";
import { mountHttp } from "../transports/http/mount.ts";
import { toOpenApi } from "../transports/http/openapi.ts";
import { toErrorBody } from "../transports/http/respond.ts";
import { createFetch, createRouter, type Fetch, mountDocuments } from "../transports/http/server.ts";
import { mountSse } from "../transports/sse/mount.ts";
import { EventStreams } from "../transports/sse/streams.ts";
import { VERSION } from "../version.ts";

/** Every door, as one handler. */
export interface Doors extends Disposable {
  fetch: Fetch;
  /** What the router knows, such as `GET /health/live`. */
  routes: readonly string[];
  /** Puts other settings in force. */
  update(settings: Settings): void;
}

/** Opens the doors. */
export function createDoors(
  settings: Settings,
  { gateway, clock, log }: { gateway: Gateway; clock: Clock; log: Log },
): Doors {
  const { server } = settings;
  let cors = createCors(server.cors);
  const timeout_ms = server.body_timeout_seconds * 1000;
  const limits = {
    json: { max_bytes: server.max_body_bytes, timeout_ms },
    // A form holds a little more than its file.
    upload: { max_bytes: server.max_upload_bytes + 65_536, timeout_ms: timeout_ms * 10 },
  };
  const app = createRouter();
  const streams = new EventStreams({
    clock,
    keepalive_ms: server.keepalive_seconds * 1000,
    write_timeout_ms: server.write_timeout_seconds * 1000,
  });
  const readers = new Map(Array.from(gateway.operations.values(), (op) => [op, createInputReader(op, limits)]));
  mountSse(app, gateway, { streams, toErrorBody, read: (c, op) => readers.get(op)!(c) });
  mountHttp(app, gateway, limits);
  mountDocuments(app, gateway, ({ operations }) => {
    return toOpenApi(operations.values(), { version: VERSION, base_path: server.base_path });
  });
  return {
    fetch: createFetch(app, {
      base_path: server.base_path,
      trusted_proxies: server.trusted_proxies,
      max_header_bytes: server.max_header_bytes,
      max_requests: server.max_requests,
      tls: server.tls.cert_file !== "",
      log,
      cors: () => cors,
    }),
    routes: [...new Set(app.routes.map(({ method, path }) => `${method} ${path}`))],
    update: (next) => cors = createCors(next.server.cors),
    [Symbol.dispose]: () => streams[Symbol.dispose](),
  };
}
