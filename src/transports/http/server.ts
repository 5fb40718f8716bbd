/**
 * The HTTP door as a whole: what surrounds every request, and which routes there are.
 *
 * @module
 */
import { Hono } from "@hono/hono";
import { getPath } from "@hono/hono/utils/url";
import { AppError } from "../../domain/error.ts";
import { createId } from "../../kit/id.ts";
import type { Log } from "../../kit/log.ts";
import { type Arrival, hostOf, type HttpContext, type HttpEnv } from "../request.ts";
import type { Cors } from "./cors.ts";
import { setLimitHeaders, setSecurityHeaders } from "./headers.ts";
import { clientAddress } from "./proxy.ts";

const HOST = /^([\w.-]{1,255}|\[[0-9a-f:.]{2,64}\])(:\d{0,5})?$/i;
const REQUEST_ID = /^[\w.-]{1,128}$/;
const MAX_URL = 8192;
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/** Options of the HTTP door. */
export interface HttpOptions {
  base_path: string;
  trusted_proxies: readonly string[];
  max_header_bytes: number;
  /** Whether this server itself speaks TLS. */
  tls: boolean;
  /** How many requests may wait for an answer to begin. */
  max_requests: number;
  log: Log;
  tell: TellError;
  cors(): Cors;
}

/** How an error is told to who asked for `path`: doors differ. */
export type TellError = (error: AppError, asked: { path: string; request_id: string }) => Response;

/** Where a connection comes from, as `Deno.serve` tells it. */
export interface ConnectionInfo {
  remoteAddr: { hostname?: string };
}

/** A handler for `Deno.serve`. */
export type Fetch = (request: Request, info: ConnectionInfo) => Promise<Response>;

/** A router for what is below `base_path`, whose errors have the shape of their door. */
export function createRouter(
  { tell, base_path, log }: Pick<HttpOptions, "tell" | "base_path" | "log">,
): Hono<HttpEnv> {
  // The request itself stays as it came: a copy of it can't become a WebSocket.
  const app = new Hono<HttpEnv>({ getPath: (request) => withoutBase(getPath(request), base_path) });
  const askedOf = (c: HttpContext) => ({ path: c.req.path, request_id: c.env.arrival.request_id });
  app.onError((thrown, c) => {
    const error = AppError.from(thrown);
    // What is an `AppError` already was noted where it came from.
    if (error !== thrown && error.name === "InternalError") {
      log.error("Request failed", { request_id: c.env.arrival.request_id, error: thrown });
    }
    return tell(error, askedOf(c));
  });
  app.notFound((c) => {
    const { method, path } = c.req;
    const allowed = METHODS.filter((other) => app.router.match(other, path)[0].length > 0);
    if (allowed.length === 0) {
      throw new AppError("NotFoundError", `Cannot ${method} "${path.slice(0, 200)}": there is no such path`);
    }
    const message = `Cannot ${method} "${path.slice(0, 200)}": expected ${allowed.join(" or ")}`;
    const response = tell(new AppError("MethodNotAllowedError", message), askedOf(c));
    response.headers.set("allow", allowed.join(", "));
    return response;
  });
  return app;
}

/** Surrounds `app` with what every request needs, and answers with what every answer carries. */
export function createFetch(app: Hono<HttpEnv>, options: HttpOptions): Fetch {
  const { log, tell, base_path, trusted_proxies, tls, max_requests } = options;
  let active = 0;
  return async (request, info) => {
    const remote = info.remoteAddr.hostname ?? "unix";
    const host = hostOf(request);
    const client = clientAddress(request.headers, remote, { trusted_proxies, tls, base_path, host });
    const sent = request.headers.get("x-request-id");
    const request_id = sent !== null && REQUEST_ID.test(sent) ? sent : createId("req");
    const base = `${client.proto}://${client.host}${client.prefix}`;
    const arrival: Arrival = { request_id, address: client.address, base, at: performance.now() };
    const preflight = options.cors().preflight(request);
    if (preflight) return finish(preflight, request, arrival, client.proto, options);
    active++;
    let response: Response;
    try {
      if (active > max_requests) {
        throw new AppError("UnavailableError", `Cannot serve the request: ${max_requests} are under way`, {
          retry_after: 1,
        });
      }
      checkSize(request, options.max_header_bytes);
      checkHost(host);
      response = request.method === "HEAD"
        ? await withoutBody(app.fetch(toGet(request), { arrival }))
        : await app.fetch(request, { arrival });
    } catch (thrown) {
      const error = AppError.from(thrown);
      if (error.name === "InternalError") log.error("Request failed", { request_id, error: thrown });
      response = tell(error, { path: withoutBase(getPath(request), base_path), request_id });
    } finally {
      active--;
    }
    return finish(response, request, arrival, client.proto, options);
  };
}

function checkSize(request: Request, max_header_bytes: number): void {
  if (request.url.length > MAX_URL) {
    throw new AppError("ValidationError", `Cannot read the request: its address has more than ${MAX_URL} characters`);
  }
  let bytes = 0;
  request.headers.forEach((value, name) => bytes += name.length + value.length + 4);
  if (bytes <= max_header_bytes) return;
  throw new AppError(
    "HeadersTooLargeError",
    `Cannot read the request: its headers have more than ${max_header_bytes} bytes`,
  );
}

/** What a request for the head alone would get otherwise, which is never a WebSocket. */
function toGet(request: Request): Request {
  const asked = new Request(request, { method: "GET" });
  asked.headers.delete("upgrade");
  return asked;
}

/** The router would drop the body of an answer to HEAD and leave open what it reads from. */
async function withoutBody(answer: Response | Promise<Response>): Promise<Response> {
  const response = await answer;
  await response.body?.cancel();
  return new Response(null, response);
}

/** The host becomes part of the address, so that a slash in it would choose another path. */
function checkHost(host: string): void {
  if (host === "" || HOST.test(host)) return;
  throw new AppError("ValidationError", "Cannot read the request: its host is not a name or an address");
}

/** A path as if MUXI stood at the root. A proxy may have removed the base already. */
function withoutBase(path: string, base_path: string): string {
  if (base_path === "" || (path !== base_path && !path.startsWith(`${base_path}/`))) return path;
  return path.slice(base_path.length) || "/";
}

function finish(
  response: Response,
  request: Request,
  arrival: Arrival,
  proto: "http" | "https",
  options: HttpOptions,
): Response {
  const { headers, status } = response;
  const { request_id, operation, key_id, limits, address, at } = arrival;
  headers.set("x-request-id", request_id);
  setSecurityHeaders(headers, { proto });
  if (limits) setLimitHeaders(headers, limits);
  options.cors().apply(headers, request.headers.get("origin"));
  options.log.info("Request", {
    request_id,
    method: request.method,
    operation: operation ?? "none",
    status,
    ms: Math.round((performance.now() - at) * 10) / 10,
    principal: key_id ?? "none",
    address,
  });
  return response;
}
