/**
 * Headers that every answer carries.
 *
 * @module
 */
import type { LimitReport } from "../../operations/gateway.ts";

/** What a browser may do with an answer that is data: nothing but hand it to who asked. */
export const API_POLICY = "default-src 'none'; frame-ancestors 'none'";

const SECURITY: readonly (readonly [string, string])[] = [
  ["x-content-type-options", "nosniff"],
  ["referrer-policy", "no-referrer"],
  ["x-frame-options", "DENY"],
];
const ONE_YEAR = "max-age=31536000";

/** What differs between answers. */
export interface SecurityOptions {
  /** How the caller sees the server, see `clientAddress`. */
  proto: "http" | "https";
}

/**
 * Sets the security headers. A page that needs more sets its own
 * `Content-Security-Policy` and `Cross-Origin-Resource-Policy` before.
 */
export function setSecurityHeaders(headers: Headers, { proto }: SecurityOptions): void {
  for (const [name, value] of SECURITY) headers.set(name, value);
  if (!headers.has("content-security-policy")) headers.set("content-security-policy", API_POLICY);
  if (!headers.has("cross-origin-resource-policy")) headers.set("cross-origin-resource-policy", "same-origin");
  // Browsers must ignore it over plain HTTP, where anybody could have written it.
  if (proto === "https") headers.set("strict-transport-security", ONE_YEAR);
}

/** Sets what a caller should know of its limits. */
export function setLimitHeaders(headers: Headers, { limit, remaining, reset_seconds, warning }: LimitReport): void {
  headers.set("ratelimit-limit", String(limit));
  headers.set("ratelimit-remaining", String(remaining));
  headers.set("ratelimit-reset", String(reset_seconds));
  if (warning !== undefined) headers.set("x-ratelimit-warning", warning);
}
