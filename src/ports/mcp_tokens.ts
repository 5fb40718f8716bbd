/**
 * What MUXI has been allowed at tool servers that want OAuth.
 *
 * @module
 */
import type { McpServer } from "../domain/mcp_server.ts";

/** Whose allowance it is: a server's, and one user's where each signs in. */
export interface McpGrantKey {
  server: string;
  user_id?: string;
}

/** What was granted, or is being asked for. */
export interface McpGrant {
  /** Names the sign-in that waits for its person; random, and unique among all grants. */
  state?: string;
  /** Registrations and tokens, as JSON. A secret as a whole: stored encrypted, never shown. */
  secrets: string;
}

/** Keeps grants. */
export interface McpTokens {
  load(key: McpGrantKey): Promise<McpGrant | undefined>;
  /** Makes another of what is kept, in one step: what others did meanwhile is neither lost nor undone. */
  change(key: McpGrantKey, change: (kept: McpGrant | undefined) => McpGrant): Promise<McpGrant>;
  /** Whose sign-in waits under `state`. */
  find(state: string): Promise<McpGrantKey | undefined>;
  /** Ends the wait under `state`. Whether there was one: only the first who comes is told so. */
  take(state: string): Promise<boolean>;
  remove(key: McpGrantKey): Promise<void>;
}

/** What came back with a person who signed in: the query of the address they were sent to. */
export interface SignInAnswer {
  state: string;
  code?: string;
  iss?: string;
  error?: string;
}

/** A sign-in that waits for its person. */
export interface SignInBegun {
  key: McpGrantKey;
  /** Where the authorization server asks the person. */
  url: string;
}

/** Sign-ins. A failure of a connection names where to begin one, in its details' `sign_in_url`. */
export interface McpSignIns {
  /** The sign-in that waits under `state`; undefined where none does, or not any more. */
  findSignIn(state: string): Promise<SignInBegun | undefined>;
  /** Takes the answer for `server`. Rejects with `McpFailure` of the kind `unauthorized`. */
  finishSignIn(server: McpServer, answer: SignInAnswer): Promise<McpGrantKey>;
}
