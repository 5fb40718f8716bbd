/**
 * Which other origins' pages may use the API (CORS).
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";

/** Options for {@linkcode createCors}. */
export interface CorsOptions {
  /** Exact origins, `https://*.example.org` for what is below it, or `*`. None: no other origin. */
  origins: readonly string[];
  /** Whether cookies may be sent along; never with `*`. The API itself needs none. */
  credentials?: boolean;
}

/** Answers browsers. */
export interface Cors {
  /** Whether a page of `origin` may use the API. */
  allows(origin: string): boolean;
  /** The answer to a preflight, which carries no key; undefined when `request` is none. */
  preflight(request: Request): Response | undefined;
  /** Sets on an answer what the browser needs to hand it to a page of `origin`. */
  apply(headers: Headers, origin: string | null): void;
}

const METHODS = "GET, POST, PUT, PATCH, DELETE, OPTIONS";
const ALLOWED = [
  "Authorization",
  "Content-Type",
  "Idempotency-Key",
  "If-Match",
  "If-Range",
  "Last-Event-ID",
  "Range",
  "X-API-Key",
  "X-Request-Id",
  "X-OpenAI-Agents-SDK",
  "Mcp-Session-Id",
  "Mcp-Protocol-Version",
  "Mcp-Method",
  "Mcp-Name",
].join(", ");
const EXPOSED = [
  "RateLimit-Limit",
  "RateLimit-Remaining",
  "RateLimit-Reset",
  "X-RateLimit-Warning",
  "Retry-After",
  "X-Request-Id",
  "Location",
  "ETag",
  "Link",
  "Accept-Patch",
  "Accept-Ranges",
  "Content-Disposition",
  "Content-Range",
  "Mcp-Session-Id",
].join(", ");
/** Two hours, the most that Chromium keeps. */
const MAX_AGE = "7200";
const MAX_ORIGIN = 300;
const PATTERN = /^(https?:\/\/)\*(\.[a-z0-9.-]+(:\d{1,5})?)$/;

function readOrigin(entry: string): string | RegExp {
  const text = entry.toLowerCase().replace(/\/$/, "");
  const [, scheme, rest] = PATTERN.exec(text) ?? [];
  if (scheme !== undefined && rest !== undefined) {
    return new RegExp(`^${scheme}(?:[a-z0-9-]+\\.)*[a-z0-9-]+${rest.replaceAll(".", "\\.")}$`);
  }
  // Most schemes of extensions and apps have no origin in the standard's sense, but browsers send one.
  const url = URL.parse(text);
  if (url && !text.includes("*") && (url.origin === text || /^[a-z][a-z0-9+.-]*:\/\/[\w.-]+(:\d+)?$/.test(text))) {
    return url.origin === "null" ? text : url.origin;
  }
  throw new AppError(
    "ConfigurationError",
    `Cannot allow the origin "${entry}": expected one such as "https://app.example.org", "https://*.example.org" or "*"`,
  );
}

/** Builds {@linkcode Cors}. Throws `ConfigurationError` for what is no origin, and for `*` with credentials. */
export function createCors({ origins, credentials = false }: CorsOptions): Cors {
  const anyone = origins.includes("*");
  if (anyone && credentials) {
    throw new AppError(
      "ConfigurationError",
      'Cannot allow credentials to every origin: name the origins instead of "*"',
    );
  }
  const allowed = origins.filter((entry) => entry !== "*").map(readOrigin);
  const exact = new Set(allowed.filter((entry) => typeof entry === "string"));
  const patterns = allowed.filter((entry) => entry instanceof RegExp);

  const allows = (origin: string) =>
    anyone ||
    (origin.length <= MAX_ORIGIN && (exact.has(origin) || patterns.some((pattern) => pattern.test(origin))));

  function setOrigin(headers: Headers, origin: string | null): boolean {
    if (anyone) {
      headers.set("access-control-allow-origin", "*");
      return true;
    }
    if (allowed.length === 0) return false;
    // Also where it isn't allowed: a cache must not give that answer to who is.
    headers.append("vary", "Origin");
    if (origin === null || !allows(origin)) return false;
    headers.set("access-control-allow-origin", origin);
    if (credentials) headers.set("access-control-allow-credentials", "true");
    return true;
  }

  return {
    allows,
    preflight(request) {
      if (request.method !== "OPTIONS") return undefined;
      const origin = request.headers.get("origin");
      if (origin === null) return undefined;
      if (!request.headers.has("access-control-request-method")) return undefined;
      const headers = new Headers();
      if (setOrigin(headers, origin)) {
        headers.set("access-control-allow-methods", METHODS);
        headers.set("access-control-allow-headers", ALLOWED);
        headers.set("access-control-max-age", MAX_AGE);
      }
      return new Response(null, { status: 204, headers });
    },
    apply(headers, origin) {
      if (setOrigin(headers, origin)) headers.set("access-control-expose-headers", EXPOSED);
    },
  };
}
