/**
 * Tokens for requests, and new ones when a server wants others: once for all who wait.
 *
 * @module
 */
import {
  auth,
  type AuthProvider,
  computeScopeUnion,
  extractWWWAuthenticateParams,
  type InsufficientScopeError,
  isStrictScopeSuperset,
  UnauthorizedError,
} from "@modelcontextprotocol/client";
import type { Clock } from "../../kit/clock.ts";
import type { OAuthProvider } from "./oauth_provider.ts";
import type { ServerFetch } from "./server_fetch.ts";

/** How long authorization servers may take in all, in ms. */
const TIMEOUT_MS = 30_000;

/** Parts of {@linkcode authorize} and {@linkcode TokenGate}. */
export interface AuthorizeDeps {
  provider: OAuthProvider;
  url: URL;
  fetch: ServerFetch;
  clock: Clock;
}

/** What is asked of the authorization server. */
export interface AuthorizeOptions {
  authorizationCode?: string;
  iss?: string;
  scope?: string | undefined;
  resourceMetadataUrl?: URL | undefined;
  /** New consent rather than a renewed token. */
  forceReauthorization?: boolean;
}

/** Gets tokens, in bounded time. Whether there are some now; otherwise the provider knows where a person has to go. */
export async function authorize({ provider, url, fetch, clock }: AuthorizeDeps, options: AuthorizeOptions) {
  const stop = new AbortController();
  using _timer = clock.after(TIMEOUT_MS, () => stop.abort(new UnauthorizedError("The authorization server is silent")));
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  return await auth(provider, {
    ...given,
    serverUrl: url,
    fetchFn: (input, init) => fetch.aside(input, { ...init, signal: stop.signal }),
  }) === "AUTHORIZED";
}

/** See the module. */
export class TokenGate implements AuthProvider {
  readonly #deps: AuthorizeDeps;
  #scope: string | undefined;
  #work: Promise<void> | undefined;

  constructor(deps: AuthorizeDeps) {
    this.#deps = deps;
  }

  async token(): Promise<string | undefined> {
    return (await this.#deps.provider.tokens())?.access_token;
  }

  /** A token that is used twice at once to be renewed would be taken for stolen. */
  onUnauthorized({ response }: { response: Response }): Promise<void> {
    const { resourceMetadataUrl, scope } = extractWWWAuthenticateParams(response);
    this.#scope = computeScopeUnion(this.#scope, scope);
    return this.#once({ resourceMetadataUrl, scope: this.#scope });
  }

  /** The server wants more than was granted. Throws `error` when nothing more can be asked for. */
  async stepUp(error: InsufficientScopeError): Promise<void> {
    const granted = (await this.#deps.provider.tokens())?.scope;
    const scope = computeScopeUnion(this.#scope, granted, error.requiredScope);
    if (!isStrictScopeSuperset(scope, granted)) throw error;
    this.#scope = scope;
    const { resourceMetadataUrl } = error;
    await this.#once({ resourceMetadataUrl, scope, forceReauthorization: true });
  }

  #once(options: AuthorizeOptions): Promise<void> {
    return this.#work ??= authorize(this.#deps, options).then((done) => {
      if (!done) throw new UnauthorizedError();
    }).finally(() => this.#work = undefined);
  }
}
