/**
 * Users as Open WebUI signs them.
 *
 * @module
 */
import { SignJWT } from "jose";

/** What it signs with, unless told otherwise. */
export const SIGNING_SECRET = "a secret of at least thirty-two bytes";

/** What a token says, and who says it. */
export interface SignedUserOptions {
  secret?: string;
  issuer?: string;
  expires?: string;
  sub?: string;
}

/** A token for Ann, good for five minutes. */
export function signUser(
  { secret = SIGNING_SECRET, issuer = "open-webui", expires = "5m", sub = "ann" }: SignedUserOptions = {},
): Promise<string> {
  return new SignJWT({ email: `${sub}@example.org`, name: sub, role: "user" }).setProtectedHeader({ alg: "HS256" })
    .setSubject(sub).setIssuer(issuer).setIssuedAt().setExpirationTime(expires).sign(new TextEncoder().encode(secret));
}
