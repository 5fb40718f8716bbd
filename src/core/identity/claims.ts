/**
 * What a signed token says about who asks.
 *
 * @module
 */
import { type Principal, TOKEN_TOLERANCE_SECONDS } from "../../domain/access.ts";
import { AppError } from "../../domain/error.ts";
import type { Claims } from "../../ports/tokens.ts";

/** Begins the `key_id` of everybody who came with a signed token. */
export const TOKEN_KEY_PREFIX = "jwt:";

function refuse(reason: string): AppError {
  return new AppError("UnauthorizedError", `Cannot accept the token: ${reason}`);
}

function readText(claims: Claims, name: string): string | undefined {
  const value = claims[name];
  if (value === undefined) return undefined;
  if (typeof value === "string" && value !== "" && value.length <= 256) return value;
  throw refuse(`the claim "${name}" must be a text of 1 to 256 characters`);
}

function readScopes(claims: Claims): string[] {
  const value = claims.scope ?? claims.scopes ?? claims.scp ?? [];
  const list = typeof value === "string" ? value.split(" ") : value;
  if (!Array.isArray(list)) throw refuse('the claim "scope" must be a text or a list');
  return list.filter((scope): scope is string => typeof scope === "string" && scope !== "");
}

function readAccess(claims: Claims, scopes: readonly string[]): "user" | "admin" {
  const { access } = claims;
  if (access === undefined) return scopes.includes("admin") ? "admin" : "user";
  if (access === "user" || access === "admin") return access;
  throw refuse('the claim "access" must be "user" or "admin"');
}

/**
 * The principal of verified `claims`. A user's token is bound to its `sub`. An
 * administrator's isn't, as it would then see but its own rows; its `sub`
 * becomes part of `key_id`, so that the audit still says who it was.
 */
export function toPrincipal(claims: Claims): Principal {
  const scopes = readScopes(claims);
  const access = readAccess(claims, scopes);
  const sub = readText(claims, "sub");
  const tenant_id = readText(claims, "tenant_id") ?? "default";
  const { exp } = claims;
  const until = typeof exp === "number" ? { expires_at: (exp + TOKEN_TOLERANCE_SECONDS) * 1000 } : {};
  const issuer = TOKEN_KEY_PREFIX + (readText(claims, "iss") ?? "jwt");
  if (access === "admin") {
    const key_id = sub === undefined ? issuer : `${issuer}:${sub}`;
    return { tenant_id, key_id, access, scopes, may_assert_user: true, ...until };
  }
  // Bound to nobody, it would see what all the issuer's users own.
  if (sub === undefined) throw refuse('the claim "sub" is missing');
  return { tenant_id, key_id: issuer, user_id: sub, access, scopes, may_assert_user: false, ...until };
}
