/**
 * MUXI as a client of OAuth 2.1, at one server, for all or for one user.
 *
 * @module
 */
import type {
  OAuthClientMetadata,
  OAuthClientProvider,
  OAuthDiscoveryState,
  StoredOAuthClientInformation,
  StoredOAuthTokens,
} from "@modelcontextprotocol/client";
import type { McpServer } from "../../domain/mcp_server.ts";
import type { Clock } from "../../kit/clock.ts";
import type { McpGrant, McpGrantKey, McpTokens, SignInBegun } from "../../ports/mcp_tokens.ts";
import type { KnownSecrets } from "./known_secrets.ts";

/** How long a person has to come back, in ms. */
const SIGN_IN_MS = 10 * 60_000;

/** How MUXI presents itself. */
export interface OAuthIdentity {
  /** Where people come back to after they signed in. */
  redirect_url: string;
  /** The page on which people begin: it says for whom a sign-in is, and marks the browser that may end it. */
  begin_url: string;
  /** Where MUXI's metadata document can be read by everybody, over https; absent: MUXI registers itself. */
  client_metadata_url?: string;
}

/** Where grants are kept, and as whom they are asked for. */
export interface OAuthDeps extends OAuthIdentity {
  tokens: McpTokens;
}

/** Parts of {@linkcode OAuthProvider}. */
export interface OAuthProviderDeps extends OAuthDeps {
  clock: Clock;
  /** Told of every token. */
  secrets: KnownSecrets;
}

/** What is kept of a grant, as JSON. */
interface Secrets {
  /** By the issuer that gave them. */
  clients?: Record<string, StoredOAuthClientInformation>;
  tokens?: StoredOAuthTokens;
  /** What a sign-in that waits needs when its person comes back. */
  verifier?: string;
  /** Where the authorization server asks them. */
  url?: string;
  /** When it is over, in ms since 1970. */
  wait_until?: number;
  discovery?: OAuthDiscoveryState;
}

/** MUXI's metadata as a client. */
export function toClientMetadata(
  { redirect_url }: Pick<OAuthIdentity, "redirect_url">,
  server?: McpServer,
): OAuthClientMetadata {
  const { scopes = [], grant = "authorization_code" } = server?.oauth ?? {};
  return {
    client_name: "MUXI",
    redirect_uris: [redirect_url],
    grant_types: grant === "client_credentials" ? [grant] : [grant, "refresh_token"],
    ...grant === "authorization_code" && { response_types: ["code"] },
    token_endpoint_auth_method: server?.oauth?.client_secret ? "client_secret_basic" : "none",
    ...scopes.length > 0 && { scope: scopes.join(" ") },
  };
}

/** The document behind `client_metadata_url`, which is the client's id at the same time. */
export function toClientDocument(
  identity: Required<Pick<OAuthIdentity, "redirect_url" | "client_metadata_url">>,
): OAuthClientMetadata & { client_id: string } {
  return { client_id: identity.client_metadata_url, ...toClientMetadata(identity) };
}

/** The SDK asks it for what is known, and tells it what is new. */
export class OAuthProvider implements OAuthClientProvider {
  readonly clientMetadata: OAuthClientMetadata;
  readonly clientMetadataUrl?: string;
  readonly redirectUrl: string | undefined;
  readonly saveClientInformation?: NonNullable<OAuthClientProvider["saveClientInformation"]>;
  readonly prepareTokenRequest?: (scope?: string) => URLSearchParams;
  /** Where a person has to go, since the last attempt. */
  sign_in_url: string | undefined;
  readonly #server: McpServer;
  readonly #deps: OAuthProviderDeps;
  readonly #key: McpGrantKey;
  #secrets: Secrets | undefined;
  /** The sign-in that is about to begin. */
  #beginning: { state: string; verifier?: string } | undefined;
  #finishing = false;

  constructor(server: McpServer, deps: OAuthProviderDeps, user_id?: string) {
    this.#server = server;
    this.#deps = deps;
    this.#key = { server: server.name, ...user_id !== undefined && { user_id } };
    this.clientMetadata = toClientMetadata(deps, server);
    const { grant, client_id } = server.oauth ?? {};
    // Without a place to come back to the SDK asks for tokens on our own behalf.
    this.redirectUrl = grant === "client_credentials" ? undefined : deps.redirect_url;
    if (grant === "client_credentials") {
      this.prepareTokenRequest = (scope) =>
        new URLSearchParams({ grant_type: grant, ...scope !== undefined && { scope } });
    }
    // A document that everybody can read holds no secret, which is what acting on our own behalf takes.
    const named = grant !== "client_credentials" && deps.client_metadata_url !== undefined;
    if (named) this.clientMetadataUrl = deps.client_metadata_url!;
    if (client_id === undefined) {
      this.saveClientInformation = async (client, context) => {
        const issuer = context?.issuer ?? client.issuer ?? "";
        await this.#change((kept) => ({ ...kept, clients: { ...kept.clients, [issuer]: client } }));
      };
    }
  }

  get key(): McpGrantKey {
    return this.#key;
  }

  state(): Promise<string> {
    const state = crypto.getRandomValues(new Uint8Array(24)).toBase64({ alphabet: "base64url" });
    this.#beginning = { state };
    return Promise.resolve(state);
  }

  async clientInformation(context?: { issuer: string }): Promise<StoredOAuthClientInformation | undefined> {
    const { client_id, client_secret } = this.#server.oauth ?? {};
    if (client_id !== undefined) return { client_id, ...client_secret !== undefined && { client_secret } };
    return context && (await this.#load()).clients?.[context.issuer];
  }

  async tokens(): Promise<StoredOAuthTokens | undefined> {
    return (await this.#load()).tokens;
  }

  async saveTokens(tokens: StoredOAuthTokens): Promise<void> {
    this.sign_in_url = undefined;
    await this.#change(({ clients }) => ({ ...clients && { clients }, tokens }), () => undefined);
  }

  /** Kept with the address that it belongs to. */
  saveCodeVerifier(verifier: string): void {
    if (this.#beginning) this.#beginning.verifier = verifier;
  }

  async redirectToAuthorization({ href: url }: URL): Promise<void> {
    const { state, verifier } = this.#beginning ?? {};
    if (state === undefined || verifier === undefined) throw new Error("No sign-in was begun");
    const wait_until = this.#deps.clock.now() + SIGN_IN_MS;
    await this.#change((kept) => ({ ...kept, verifier, url, wait_until }), () => state);
    this.sign_in_url = `${this.#deps.begin_url}?${new URLSearchParams({ state })}`;
  }

  async codeVerifier(): Promise<string> {
    const { verifier } = await this.#load();
    if (verifier === undefined) throw new Error("No sign-in is waiting");
    return verifier;
  }

  async saveDiscoveryState(discovery: OAuthDiscoveryState): Promise<void> {
    await this.#change((kept) => ({ ...kept, discovery }));
  }

  /** Only for the person who comes back: a server may name another authorization server the next time. */
  async discoveryState(): Promise<OAuthDiscoveryState | undefined> {
    return this.#finishing ? (await this.#load()).discovery : undefined;
  }

  /** Ends the wait under `state`, for good, to go on with what came back. Whether somebody waited, and came in time. */
  async takeUp(state: string): Promise<"in_time" | "late" | "unknown"> {
    if (!await this.#deps.tokens.take(state)) return "unknown";
    this.#finishing = true;
    const { wait_until = 0 } = await this.#load();
    return this.#deps.clock.now() < wait_until ? "in_time" : "late";
  }

  async invalidateCredentials(what: "all" | "client" | "tokens" | "verifier" | "discovery"): Promise<void> {
    const keeps = (one: typeof what) => what !== "all" && what !== one;
    await this.#change(({ clients, tokens, verifier, url, wait_until, discovery }) => ({
      ...keeps("client") && clients && { clients },
      ...keeps("tokens") && tokens && { tokens },
      ...keeps("verifier") && verifier !== undefined && { verifier },
      ...keeps("verifier") && url !== undefined && { url },
      ...keeps("verifier") && wait_until !== undefined && { wait_until },
      ...keeps("discovery") && discovery && { discovery },
    }));
  }

  async #load(): Promise<Secrets> {
    // While a person is signing in, what they bring is written by another provider.
    if (this.#secrets && this.sign_in_url === undefined) return this.#secrets;
    const secrets = toSecrets(await this.#deps.tokens.load(this.#key));
    if (secrets.tokens?.access_token !== this.#secrets?.tokens?.access_token) this.sign_in_url = undefined;
    this.#note(secrets);
    return this.#secrets = secrets;
  }

  /** Whatever the change, a sign-in that waits still waits, unless `stateOf` says otherwise. */
  async #change(
    change: (kept: Secrets) => Secrets,
    stateOf = (waiting: string | undefined): string | undefined => waiting,
  ): Promise<void> {
    const grant = await this.#deps.tokens.change(this.#key, (kept) => {
      const state = stateOf(kept?.state);
      return { secrets: JSON.stringify(change(toSecrets(kept))), ...state !== undefined && { state } };
    });
    this.#secrets = toSecrets(grant);
    this.#note(this.#secrets);
  }

  #note({ tokens }: Secrets): void {
    this.#deps.secrets.add(tokens?.access_token, tokens?.refresh_token, tokens?.id_token);
  }
}

/** The sign-in that waits under `state`; undefined where none does, or not any more. */
export async function findSignIn(
  state: string,
  { tokens, clock }: Pick<OAuthProviderDeps, "tokens" | "clock">,
): Promise<SignInBegun | undefined> {
  const key = await tokens.find(state);
  const grant = key && await tokens.load(key);
  const { url, wait_until = 0 } = toSecrets(grant);
  if (!key || grant?.state !== state || url === undefined || clock.now() >= wait_until) return undefined;
  return { key, url };
}

function toSecrets(grant: McpGrant | undefined): Secrets {
  return grant ? JSON.parse(grant.secrets) : {};
}
