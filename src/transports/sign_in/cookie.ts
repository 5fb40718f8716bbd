/**
 * The cookie of a browser in which somebody began to sign in (RFC 6265).
 *
 * @module
 */
import type { HttpContext } from "../request.ts";

/** As long as a sign-in waits. */
const MAX_AGE_SECONDS = 600;
const STATE = /^[\w-]{16,}$/;
const MARK = /^[\w-]+$/;

/** Of each sign-in its own, so that two can be under way; over https it can't be set from another host. */
function nameOf({ env, req }: HttpContext): string | undefined {
  const state = req.query("state") ?? "";
  if (!STATE.test(state)) return undefined;
  return `${isSecure(env.arrival.base) ? "__Host-" : ""}muxi_sign_in_${state.slice(0, 8)}`;
}

function isSecure(base: string): boolean {
  return base.startsWith("https:");
}

function write(c: HttpContext, headers: Headers, { value, age }: { value: string; age: number }): void {
  const name = nameOf(c);
  if (name === undefined) return;
  // It has to come along from the authorization server's site, which "Strict" forbids.
  const parts = [`${name}=${value}`, "Path=/", `Max-Age=${age}`, "HttpOnly", "SameSite=Lax"];
  if (isSecure(c.env.arrival.base)) parts.push("Secure");
  headers.append("set-cookie", parts.join("; "));
}

/** What {@linkcode setCookie} left for the sign-in of this request. */
export function readCookie(c: HttpContext): string | undefined {
  const name = nameOf(c);
  if (name === undefined) return undefined;
  const pairs = (c.req.raw.headers.get("cookie") ?? "").split(";").map((pair) => pair.trim());
  const value = pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
  return value !== undefined && MARK.test(value) ? value : undefined;
}

/** Leaves `value` in the browser, for the sign-in of this request. */
export function setCookie(c: HttpContext, headers: Headers, value: string): void {
  write(c, headers, { value, age: MAX_AGE_SECONDS });
}

/** Takes it back, if it was there. */
export function clearCookie(c: HttpContext, headers: Headers): void {
  if (readCookie(c) !== undefined) write(c, headers, { value: "", age: 0 });
}
