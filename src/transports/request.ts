/**
 * What every door that opens with an HTTP request shares.
 *
 * @module
 */
import type { Context } from "@hono/hono";
import type { Principal } from "../domain/access.ts";
import type { CallOptions, Gateway, LimitReport, ReadInput } from "../operations/gateway.ts";
import { IDEMPOTENCY_KEY, type Operation, type Visit } from "../operations/operation.ts";

/** What is known of a request before anything is read. */
export interface Arrival {
  request_id: string;
  address: string;
  /** The server's own address as the caller sees it, such as `https://example.org/muxi`. */
  base: string;
  /** When it came, in milliseconds. */
  at: number;
  /** Filled in while it is answered. */
  operation?: string;
  key_id?: string;
  limits?: LimitReport;
}

/** What the router carries along with a request. */
export interface HttpEnv {
  Bindings: { arrival: Arrival };
  Variables: {
    /** Who it is, once identified: a ticket can be shown only once. */
    principal?: Principal;
    /** The input, where a door had to look at it before another answers. */
    input?: unknown;
  };
}

/** A request as the router gives it. */
export type HttpContext = Context<HttpEnv>;

/** Reads an operation's input from a request. */
export type InputReader = (c: HttpContext, op: Operation) => ReadInput;

/** Whom a request is for, such as `example.org:8000`; over HTTP/2 its address alone says it (RFC 9113, 8.3.1). */
export function hostOf({ headers, url }: Request): string {
  return headers.get("host") ?? URL.parse(url)?.host ?? "";
}

const BEARER = /^Bearer +(\S+) *$/i;

/** Who comes: identifies the caller of `c`. `signal` aborts when the caller is gone. */
export async function visitOf(c: HttpContext, gateway: Gateway, op: Operation, signal: AbortSignal): Promise<Visit> {
  const arrival = c.env.arrival;
  arrival.operation = op.id;
  const { request_id, address } = arrival;
  const headers = c.req.raw.headers;
  const authorization = headers.get("authorization");
  const token = authorization === null ? headers.get("x-api-key") : BEARER.exec(authorization)?.[1] ?? "";
  const ticket = token === null ? c.req.query("ticket") : undefined;
  const principal = c.get("principal") ?? await gateway.identify({
    ...token !== null && { token },
    ...ticket !== undefined && { ticket },
    // Who opens a WebSocket may say something there, and doesn't only read.
    ...op.kind !== "duplex" && !headers.has("upgrade") && {
      asked: { method: c.req.method, path: pathBelow(c.req.path) },
    },
    address,
    request_id,
  });
  c.set("principal", principal);
  arrival.key_id = principal.key_id;
  const key = headers.get("idempotency-key");
  return {
    principal,
    signal,
    request_id,
    address,
    ...key !== null && IDEMPOTENCY_KEY.test(key) && { idempotency_key: key },
  };
}

/** `path` without the prefix that the API stands below. */
function pathBelow(path: string): string {
  return path.replace(/^\/(api\/)?v1(?=\/)/, "");
}

/** Options of a call that note what the answer's headers have to say. */
export function noting(c: HttpContext, options: CallOptions = {}): CallOptions {
  return { ...options, onLimits: (report) => c.env.arrival.limits = report };
}

/** The method and the paths of an operation below `/api/v1` and `/v1`, as the router spells them. */
export function routesOf(
  { http, aliases = [] }: Pick<Operation, "http" | "aliases">,
): [method: string, paths: string[]] {
  const method = http.slice(0, http.indexOf(" "));
  const paths = [http, ...aliases].flatMap((line) => {
    const path = line.slice(line.indexOf(" ") + 1).replaceAll(/\{(\w+)\}/g, ":$1");
    const plain = path.startsWith("^") ? path.slice(1) : path;
    return [...path.startsWith("^") ? [plain] : [], `/api/v1${plain}`, `/v1${plain}`];
  });
  return [method, paths];
}
