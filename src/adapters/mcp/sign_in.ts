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
  const key = await deps.tokens.find(answer.state);
  const user_id = key?.server === server.name ? key.user_id : undefined;
  const what = `sign in at tool server "${server.name}"${user_id === undefined ? "" : ` for user "${user_id}"`}`;
  const refuse = (reason: string) => new McpFailure("unauthorized", `Cannot ${what}: ${reason}`, { sent: false });
  if (!key || key.server !== server.name || server.url === undefined) throw refuse("no sign-in waits under this state");
  const url = new URL(server.url);
  const resolved = await resolveCredentials(server, deps);
  const provider = new OAuthProvider(server, { ...deps, secrets: resolved.secrets }, user_id);
  const began = await provider.takeUp(answer.state);
  if (began !== "in_time") {
    throw refuse(
      began === "late" ? "the sign-in was not ended in time, begin anew" : "no sign-in waits under this state",
    );
  }
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
    throw toFailure(thrown, { what, secrets: resolved.secrets.all, session: false, challenge: undefined });
  }
}
