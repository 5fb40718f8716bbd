/**
 * Signed tokens (JWT, RFC 7519).
 *
 * @module
 */

/** What a token says, once its signature and times were checked. */
export type Claims = Record<string, unknown> & { sub?: string };

/** Verifies tokens. */
export interface Tokens {
  /** The claims of `token`. Throws `UnauthorizedError` with why it isn't valid. */
  verify(token: string): Promise<Claims>;
}
