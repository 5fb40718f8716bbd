/**
 * The doors that are open, around one gateway.
 *
 * @module
 */
import { createTokens } from "../adapters/jose/tokens.ts";
import type { Clock } from "../kit/clock.ts";
import type { Log } from "../kit/log.ts";
import type { Gateway } from "../operations/gateway.ts";
import type { Settings } from "../settings/schema.ts";
import { mountCall } from "../transports/call/mount.ts";
import { createCors } from "../transports/http/cors.ts";
import { boundedBody, readJson } from "../transports/http/body.ts";
import { createInputReader } from "../transports/http/input.ts";
import { mountHttp } from "../transports/http/mount.ts";
import { mountSockets } from "../transports/http/sockets.ts";
import { mountDocs } from "../transports/docs/mount.ts";
import { toErrorBody, toErrorResponse } from "../transports/http/respond.ts";
import { createFetch, createRouter, type Fetch, type TellError } from "../transports/http/server.ts";
import { isOpenAiPath, toOpenAiResponse } from "../transports/openai/errors.ts";
import { mountOpenAi } from "../transports/openai/mount.ts";
import { mountRealtime } from "../transports/openai/realtime/mount.ts";
import type { Catalog } from "../transports/mcp/catalog.ts";
import { mountMcp } from "../transports/mcp/mount.ts";
import { createOriginCheck } from "../transports/mcp/origins.ts";
import { isMcpPath, toMcpResponse } from "../transports/mcp/plain_error.ts";
import { mountWhep } from "../transports/rtc/whep.ts";
import { mountWhip } from "../transports/rtc/whip.ts";
import { mountSignIn } from "../transports/sign_in/mount.ts";
import { mountSse } from "../transports/sse/mount.ts";
import { EventStreams } from "../transports/streams.ts";
import { mountTools } from "../transports/tools/mount.ts";
import { VERSION } from "../version.ts";
import { documentOf } from "./documents.ts";
import { lazy } from "./lazy.ts";

/** Every door, as one handler. */
export interface Doors extends Disposable {
  fetch: Fetch;
  /** What the router knows, such as `GET /health/live`. */
  routes: readonly string[];
  /** What MCP clients are offered. */
  openCatalog(): Promise<Catalog>;
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
  const tell: TellError = (error, { path, request_id }) =>
    isOpenAiPath(path)
      ? toOpenAiResponse(error)
      : isMcpPath(path)
      ? toMcpResponse(error)
      : toErrorResponse(error, request_id);
  const app = createRouter({ tell, base_path: server.base_path, log });
  const streams = new EventStreams({
    clock,
    keepalive_ms: server.keepalive_seconds * 1000,
    write_timeout_ms: server.write_timeout_seconds * 1000,
  });
  const readers = new Map(Array.from(gateway.operations.values(), (op) => [op, createInputReader(op, limits)]));
  mountSse(app, gateway, { streams, toErrorBody, read: (c, op) => readers.get(op)!(c) });
  let { collect_timeout_seconds } = settings.runs;
  const { open_webui_secret: secret } = settings.auth;
  const users = secret === ""
    ? undefined
    : createTokens({ secret, issuer: "open-webui", algorithms: ["HS256"], clock });
  const verifyUser = users && (async (token: string) => (await users.verify(token)).sub ?? "");
  mountOpenAi(app, gateway, {
    streams,
    clock,
    log,
    // Pictures and files come inside the JSON.
    readJson: (request) => readJson(request, limits.upload),
    collectMs: () => collect_timeout_seconds * 1000,
    verifyUser,
  });
  mountTools(app, gateway, {
    verifyUser,
    base_path: server.base_path,
    version: VERSION,
    readJson: (request) => readJson(request, limits.json),
  });
  const openCatalog = lazy(async () => {
    const { OurCatalog } = await import("../transports/mcp/ours/catalog.ts");
    return new OurCatalog({ gateway, clock, version: VERSION });
  });
  const { mode, jwt } = settings.auth;
  const mcp = mountMcp(app, gateway, {
    openCatalog,
    verifyUser,
    streams,
    clock,
    readJson: (request) => readJson(request, limits.json, { lists: true }),
    findFault: createOriginCheck({
      host: server.host,
      proxied: server.trusted_proxies.length > 0,
      allows: (origin) => cors.allows(origin),
    }),
    ...mode.includes("jwt") && { tokens: { issuers: URL.canParse(jwt.issuer) ? [jwt.issuer] : [], scopes: ["tools"] } },
    keepalive_ms: server.keepalive_seconds * 1000,
    write_timeout_ms: server.write_timeout_seconds * 1000,
    max_message: server.max_body_bytes,
    max_sessions: server.max_mcp_sessions,
    session_idle_ms: server.mcp_session_idle_seconds * 1000,
  });
  mountSignIn(app, gateway);
  const readBytes = async (request: Request) =>
    new Uint8Array(
      await new Blob(await Array.fromAsync(boundedBody(request, limits.json)) as BlobPart[]).arrayBuffer(),
    );
  const readText = async (request: Request) => new TextDecoder().decode(await readBytes(request));
  mountWhip(app, gateway, { readText, verifyUser });
  mountWhep(app, gateway, { readText, verifyUser });
  const realtime = mountRealtime(app, gateway, {
    clock,
    log,
    readJson: (request) => readJson(request, limits.json),
    readBytes,
    verifyUser,
    write_timeout_ms: server.write_timeout_seconds * 1000,
    max_message: server.max_body_bytes,
  });
  const sockets = mountSockets(app, gateway, {
    read: (c, op) => readers.get(op)!(c),
    clock,
    write_timeout_ms: server.write_timeout_seconds * 1000,
    max_message: server.max_body_bytes,
  });
  mountHttp(app, gateway, limits);
  mountCall(app, { base_path: server.base_path, version: VERSION, recording: settings.rtc.recording.allowed });
  let { retention } = settings;
  const docs = mountDocs(app, {
    base_path: server.base_path,
    document: () => documentOf(gateway.operations.values(), server),
    facts: () => ({ ...server, ...retention }),
  });
  return {
    fetch: createFetch(app, {
      base_path: server.base_path,
      trusted_proxies: server.trusted_proxies,
      max_header_bytes: server.max_header_bytes,
      max_requests: server.max_requests,
      tls: server.tls.cert_file !== "",
      log,
      tell,
      cors: () => cors,
    }),
    routes: [...new Set(app.routes.map(({ method, path }) => `${method} ${path}`))],
    update: (next) => {
      cors = createCors(next.server.cors);
      ({ collect_timeout_seconds } = next.runs);
      ({ retention } = next);
      docs.refresh();
    },
    openCatalog,
    [Symbol.dispose]() {
      mcp[Symbol.dispose]();
      sockets[Symbol.dispose]();
      realtime[Symbol.dispose]();
      streams[Symbol.dispose]();
    },
  };
}
