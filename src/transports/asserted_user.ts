/**
 * The user that the headers of a request name: ours, or those that Open WebUI sends by itself when it forwards who its
 * users are.
 *
 * @module
 */
import { actingFor } from "../domain/access.ts";
import { UserId } from "../domain/conversation.ts";
import { AppError } from "../domain/error.ts";
import type { Visit } from "../operations/operation.ts";

const USER = "x-muxi-user";
const UNSIGNED_USER = "x-openwebui-user-id";
const SIGNED_USER = "x-openwebui-user-jwt";

/** Checks a signed user and gives their id. */
export type VerifyUser = (token: string) => Promise<string>;

/** How headers are believed. */
export interface AssertedUserOptions {
  /** Absent when no secret is set. */
  verifyUser?: VerifyUser | undefined;
}

/** The user that `headers` name. A signed one wins over an unsigned one. */
export async function assertedUser(
  headers: Headers,
  { verifyUser }: AssertedUserOptions,
): Promise<string | undefined> {
  if (verifyUser) {
    const signed = headers.get(SIGNED_USER);
    if (signed !== null) return toUserId({ name: SIGNED_USER, value: await verifyUser(signed) });
    if (headers.has(UNSIGNED_USER)) {
      // Open WebUI sends its users unsigned when it could not sign them.
      throw new AppError("UnauthorizedError", `Cannot believe the header ${UNSIGNED_USER}: expected ${SIGNED_USER}`);
    }
  }
  const found = filledHeader(headers, [USER, UNSIGNED_USER]);
  return found && toUserId(found);
}

/** `visit` for the user that `headers` name. Nothing is read for somebody unknown: what they ask for refuses them. */
export async function forAssertedUser(visit: Visit, headers: Headers, options: AssertedUserOptions): Promise<Visit> {
  const { principal } = visit;
  if (principal.access === "public") return visit;
  return { ...visit, principal: actingFor(principal, await assertedUser(headers, options)) };
}

/** A header that says something. */
export interface FilledHeader {
  name: string;
  value: string;
}

/** The first of the headers `names` that says something. */
export function filledHeader(headers: Headers, names: readonly string[]): FilledHeader | undefined {
  for (const name of names) {
    const value = headers.get(name)?.trim() ?? "";
    if (value === "") continue;
    // Everybody at a client that doesn't know the template would be one.
    if (value.includes("{{")) {
      throw new AppError(
        "ValidationError",
        `Cannot use the header ${name}: the client left "${value.slice(0, 64)}" in it`,
      );
    }
    return { name, value };
  }
}

function toUserId({ name, value }: FilledHeader): string {
  if (UserId.safeParse(value).success) return value;
  throw new AppError(
    "ValidationError",
    `Cannot use the header ${name}: expected a user's id of letters, digits and any of .@:|+-_`,
  );
}
