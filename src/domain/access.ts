/**
 * Who asks, and what they may do.
 *
 * @module
 */
import { AppError } from "./error.ts";

/** Who may call an operation, from weakest to strongest. */
export const ACCESS = ["public", "user", "admin"] as const;
/** One of {@linkcode ACCESS}. */
export type Access = typeof ACCESS[number];

/** Somebody identified. */
export interface Principal {
  tenant_id: string;
  key_id: string;
  /** The user acted for: bound to the credential, or asserted by the request. */
  user_id?: string;
  access: Access;
  scopes: readonly string[];
  /** Whether a request may say for which `user_id` it acts. */
  may_assert_user: boolean;
  /** What was shown is good for these operations alone. */
  grant?: { id: string; operations: readonly string[]; room_id?: string; session_id?: string };
  /** When what was shown is worth nothing any more, in milliseconds; absent: when it is revoked. */
  expires_at?: number;
}

/** How far the clocks of a token's issuer and of the server may be apart. */
export const TOKEN_TOLERANCE_SECONDS = 5;

/** The columns that say whose a row is. */
export interface Owner {
  tenant_id: string;
  key_id: string;
  user_id: string | null;
}

/** Nobody in particular: what public operations run as. */
export const ANONYMOUS: Principal = {
  tenant_id: "default",
  key_id: "anonymous",
  access: "public",
  scopes: [],
  may_assert_user: false,
};

/** Whether `principal` may use something that needs `needed`. */
export function allows(principal: Principal, needed: Access): boolean {
  return ACCESS.indexOf(principal.access) >= ACCESS.indexOf(needed);
}

/** `principal` acting for `user_id`, where it may. Who acts for a user already doesn't turn to another. */
export function actingFor(principal: Principal, user_id: string | undefined): Principal {
  if (user_id === undefined || user_id === principal.user_id) return principal;
  const { may_assert_user } = principal;
  if (may_assert_user && principal.user_id === undefined) return { ...principal, user_id };
  const other = may_assert_user ? "the request names another" : "the key belongs to another";
  throw new AppError("ForbiddenError", `Cannot act for user "${user_id}": ${other}`);
}

/** The owner columns of what `principal` creates. */
export function ownerOf({ tenant_id, key_id, user_id }: Principal): Owner {
  return { tenant_id, key_id, user_id: user_id ?? null };
}

/**
 * The columns a row must have for `principal` to see it. An admin sees the
 * tenant; an application's key what it made, for the user it names if it names
 * one; a credential bound to a user what is theirs.
 */
export function visibleTo(principal: Principal): Partial<Owner> {
  const { tenant_id, key_id, user_id, access, may_assert_user, grant } = principal;
  // What an application gave away sees nothing of the application's users but the one it is for.
  if (grant) return { tenant_id, key_id, user_id: user_id ?? null };
  if (access === "admin") return user_id === undefined ? { tenant_id } : { tenant_id, user_id };
  if (!may_assert_user) return { tenant_id, key_id, ...user_id !== undefined && { user_id } };
  return user_id === undefined ? { tenant_id, key_id } : { tenant_id, key_id, user_id };
}

/**
 * Whether `principal` is the person who began something. Guests who are no users are told apart by the secret they came
 * with: whoever has the key is somebody else.
 */
export function isWhoBegan(began: Owner & { secret_id: string | null }, principal: Principal): boolean {
  const { tenant_id, key_id, user_id } = ownerOf(principal);
  const isTheirs = began.tenant_id === tenant_id && began.key_id === key_id && began.user_id === user_id;
  return isTheirs && (user_id !== null || began.secret_id === (principal.grant?.id ?? null));
}

/** Like {@linkcode visibleTo}, for lists: who names no user sees what belongs to none. */
export function listableBy(principal: Principal): Partial<Owner> {
  const { access, user_id } = principal;
  return { ...visibleTo(principal), ...access !== "admin" && { user_id: user_id ?? null } };
}
