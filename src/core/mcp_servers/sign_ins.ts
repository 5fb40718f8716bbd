/**
 * People who sign in at tool servers on MUXI's behalf.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import { McpFailure } from "../../domain/mcp_server.ts";
import { within } from "../../kit/abortable.ts";
import type { Clock } from "../../kit/clock.ts";
import type { McpSignIns, McpTokens, SignInAnswer } from "../../ports/mcp_tokens.ts";
import { settled } from "./connecting.ts";
import type { McpHub } from "./hub.ts";
import type { Upstream } from "./upstream.ts";

/** How long a server may take to show that it works. */
const PING_MS = 5000;

/** What {@linkcode SignIns} needs. */
export interface SignInsDeps {
  hub: McpHub;
  grants: McpTokens;
  signIns: McpSignIns;
  clock: Clock;
}

/** A sign-in that waits for its person. */
export interface WaitingSignIn {
  server: string;
  /** For whom alone; null: for all users of the server. */
  user_id: string | null;
  /** Where the authorization server asks the person. */
  url: string;
  /** What the browser has to keep that may end it. */
  browser: string;
}

/** Begins and ends sign-ins. */
export class SignIns {
  readonly #deps: SignInsDeps;

  constructor(deps: SignInsDeps) {
    this.#deps = deps;
  }

  /** The sign-in that waits under `state`. Rejects with `NotFoundError`. */
  async begin(state: string): Promise<WaitingSignIn> {
    const waiting = await this.#deps.signIns.findSignIn(state);
    if (!waiting) {
      const how = "ask for the address anew";
      throw new AppError("NotFoundError", `Cannot begin to sign in: nobody waits for it, or not any more; ${how}`);
    }
    const { key: { server, user_id = null }, url } = waiting;
    return { server, user_id, url, browser: await markOf(state) };
  }

  /**
   * Takes what came back with a person who signed in, and goes on with what was allowed. In words, how that went.
   * `browser` is what {@linkcode begin} gave to theirs: without it an address that was passed on would make the account
   * of whoever follows it another's.
   */
  async finish(
    answer: SignInAnswer,
    { browser }: { browser?: string | undefined },
  ): Promise<{ signed_in: boolean; message: string }> {
    const { grants, hub, signIns, clock } = this.#deps;
    if (browser !== await markOf(answer.state)) {
      const how = "Open the address in sign_in_url, go on from there, and let the browser keep its cookie";
      throw new AppError("ForbiddenError", `Cannot sign in: this browser did not begin to. ${how}`);
    }
    const { server, user_id } = await grants.find(answer.state) ?? {};
    const upstream = server === undefined ? undefined : hub.get(server);
    if (!upstream) return { signed_in: false, message: "Cannot sign in: nobody waits for that, or not any more" };
    try {
      await signIns.finishSignIn(upstream.definition, answer);
    } catch (error) {
      if (!(error instanceof McpFailure)) throw error;
      if (user_id === undefined && upstream.sign_in_url !== null) await this.#goOnWithout(upstream, error);
      return { signed_in: false, message: error.message };
    }
    // A user's own sign-in is used from the next call on; the one for all is what the connection lives on.
    if (user_id === undefined) await settled(upstream.restart(), clock);
    const whom = user_id === undefined ? "for all its users" : `for user "${user_id}"`;
    return {
      signed_in: true,
      message: `You are signed in at tool server "${server}" ${whom}, and may close this page`,
    };
  }

  /** The address that led here is used up: another attempt gets another. */
  async #goOnWithout(upstream: Upstream, error: McpFailure): Promise<void> {
    const { clock } = this.#deps;
    const { connection } = upstream;
    const late = () => new Error("It did not answer in time");
    const { signal } = new AbortController();
    // What was refused may be more than it needs to work.
    const works = connection !== undefined &&
      await within((signal) => connection.ping(signal), { clock, ms: PING_MS, signal, late }).then(
        () => true,
        () => false,
      );
    if (!works) return await settled(upstream.restart(), clock);
    upstream.tally.last_error = error.message;
  }
}

/** Tells whoever knows `state` nothing new, and is in no browser that did not begin under it. */
async function markOf(state: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(`muxi sign-in 1:${state}`));
  return new Uint8Array(digest).toBase64({ alphabet: "base64url", omitPadding: true });
}
