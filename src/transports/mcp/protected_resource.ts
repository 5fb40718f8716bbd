/**
 * Where a client finds out which tokens are taken here (RFC 9728).
 *
 * @module
 */
import type { HttpContext } from "../request.ts";

/** The path of the description; what it describes is `/mcp`. */
export const METADATA_PATH = "/.well-known/oauth-protected-resource";

/** Who issues the tokens that are taken. */
export interface TokenIssuers {
  /** Addresses of authorisation servers. */
  issuers: readonly string[];
  /** The scopes that mean something here. */
  scopes: readonly string[];
}

/** The description. */
export function describe(c: HttpContext, { issuers, scopes }: TokenIssuers): Response {
  return Response.json({
    resource: `${c.env.arrival.base}/mcp`,
    resource_name: "MUXI",
    authorization_servers: issuers,
    bearer_methods_supported: ["header"],
    ...scopes.length > 0 && { scopes_supported: scopes },
  }, { headers: { "cache-control": "public, max-age=3600" } });
}

/** What a challenge says of it. */
export function challengeOf(c: HttpContext, tokens: TokenIssuers | undefined): Record<string, string> {
  return tokens ? { resource_metadata: `${c.env.arrival.base}${METADATA_PATH}/mcp` } : {};
}
