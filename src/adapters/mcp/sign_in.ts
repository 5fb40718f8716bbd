/**
 * The end of a sign-in: a person came back with a code.
 *
 * @module
 */
import { OAuthClientFlowError } from "@modelcontextprotocol/client";
import { McpFailure, type McpServer } from "../../domain/mcp_server.ts";
import type { Clock } from "../../kit/clock.ts";
import type { McpGrantKey, SignInAnswer } from "../../ports/mcp_tokens.ts";
import { type CredentialsDeps, resolveCredentials } from "./credentials.ts";
import { toFailure } from "./failure.ts";
import { type OAuthDeps, OAuthProvider } from "./oauth_provider.ts";
import { createServerFetch } from "./server_fetch.ts";
import { authorize } from "./token_gate.ts";

/** Turns the answer into tokens, and keeps them. */
export async function finishSignIn(
  server: McpServer,
  answer: SignInAnswer,
  deps: OAuthDeps & CredentialsDeps & { clock: Clock },
): Promise<McpGrantKey> {
  const what = `sign in at tool server "${server.name}"`;
  const refuse = (reason: string) => new McpFailure("unauthorized", `Cannot ${what}: ${reason}`, { sent: false });
  const key = await deps.tokens.find(answer.state);
  if (!key || key.server !== server.name || server.url === undefined) throw refuse("no sign-in waits under this state");
  const url = new URL(server.url);
  const resolved = await resolveCredentials(server, deps);
  const provider = new OAuthProvider(server, deps, key.user_id);
  provider.finishing = true;
  const fetch = createServerFetch(url, resolved, new Set());
  try {
    if (answer.code === undefined) {
      // Whatever an authorization server adds in words may come from somebody else.
      throw new OAuthClientFlowError(/^[a-z_]{1,50}$/.test(answer.error ?? "") ? answer.error! : "no code came back");
    }
    await authorize({ provider, url, fetch, clock: deps.clock }, {
      authorizationCode: answer.code,
      ...answer.iss !== undefined && { iss: answer.iss },
    });
    return key;
  } catch (thrown) {
    const { secrets } = resolved;
    throw toFailure(thrown, { what, secrets, session: false, challenge: undefined });
  }
}
