/**
 * The known keys: who a token belongs to, and until when.
 *
 * @module
 */
import { ANONYMOUS, type Principal } from "../../domain/access.ts";
import { AppError } from "../../domain/error.ts";
import type { Tokens } from "../../ports/tokens.ts";
import { TOKEN_KEY_PREFIX, toPrincipal } from "./claims.ts";
import { checkKeys, type KeySpec } from "./key_spec.ts";

/** How callers may say who they are. */
export type AuthMode = "apikey" | "jwt";

/** Options for {@linkcode Keys}. */
export interface KeysOptions {
  keys: readonly KeySpec[];
  modes: readonly AuthMode[];
  /** Needed where `modes` holds `jwt`. */
  tokens?: Tokens;
}

interface Entry {
  digest: Uint8Array;
  /** Everything but the secret, to tell a changed key from the same one. */
  facts: string;
  principal: Principal;
  revocation: AbortController;
}

/** Longer than any key or token we would accept. */
const MAX_TOKEN = 16_384;
const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;
const encoder = new TextEncoder();

async function digestOf(token: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", encoder.encode(token)));
}

/** Compares without stopping at the first difference. */
function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}

/** The same for texts. Tells the length of `secret`, which the format of keys tells as well. */
function areSame(secret: string, token: string): boolean {
  if (secret.length !== token.length) return false;
  let difference = 0;
  for (let i = 0; i < secret.length; i++) difference |= secret.charCodeAt(i) ^ token.charCodeAt(i);
  return difference === 0;
}

/** Where a digest is filed. Says nothing about the token, as nobody can steer a digest. */
function slotOf(digest: Uint8Array): number {
  return digest[0]! << 24 | digest[1]! << 16 | digest[2]! << 8 | digest[3]!;
}

function toKeyPrincipal({ key_id, access, tenant_id, user_id, scopes }: KeySpec): Principal {
  return Object.freeze({
    tenant_id: tenant_id ?? "default",
    key_id,
    ...user_id !== undefined && { user_id },
    access,
    scopes: Object.freeze([...scopes ?? []]),
    may_assert_user: user_id === undefined,
  });
}

/**
 * The keys in force. A lookup takes one SHA-256, however many keys there are,
 * and its time depends on no secret. As WebCrypto hashes on another thread, which
 * costs 10 to 50 µs of CPU, keys that were right once are found without it.
 */
export class Keys {
  readonly #apiKeys: boolean;
  readonly #tokens: Tokens | undefined;
  readonly #never = new AbortController().signal;
  #bySlot = new Map<number, Entry[]>();
  #byName = new Map<string, Entry>();
  /** Keys that were right since the last change, by their fingerprint. */
  #recent = new Map<number, { token: string; principal: Principal }>();
  readonly #seeds = crypto.getRandomValues(new Uint32Array(2));
  #loading: Promise<void>;

  constructor({ keys, modes, tokens }: KeysOptions) {
    if (modes.includes("jwt") && !tokens) {
      throw new AppError("ConfigurationError", "Cannot accept signed tokens: no secret or public key is set");
    }
    this.#apiKeys = modes.includes("apikey");
    this.#tokens = modes.includes("jwt") ? tokens : undefined;
    checkKeys(keys);
    this.#loading = this.#load(keys);
  }

  /** Decides who `token` belongs to. Throws `UnauthorizedError`, which never quotes it. */
  async identify({ token }: { token?: string | undefined }): Promise<Principal> {
    if (token === undefined || token === "") {
      throw new AppError(
        "UnauthorizedError",
        'Cannot identify the caller: no key was sent, expected the header "Authorization: Bearer <key>"',
      );
    }
    if (token.length <= MAX_TOKEN) {
      const principal = this.#apiKeys ? this.#findRecent(token) ?? await this.#find(token) : undefined;
      if (principal) return principal;
      if (this.#tokens && JWT.test(token)) return toPrincipal(await this.#tokens.verify(token));
    }
    throw new AppError("UnauthorizedError", "Cannot identify the caller: the key is unknown or was revoked");
  }

  /**
   * Puts other keys in force. What vanished or changed is revoked: from this
   * call on nobody is let in by it, and once it resolves its signal has aborted.
   */
  async replace(keys: readonly KeySpec[]): Promise<void> {
    checkKeys(keys);
    const before = this.#loading;
    this.#loading = before.then(() => this.#load(keys));
    this.#recent = new Map();
    await this.#loading;
  }

  /**
   * Aborts when the key is revoked; has aborted for a key that isn't known. To
   * be asked for straight after `identify`, so that no change slips between.
   */
  signalFor(key_id: string): AbortSignal {
    if (key_id === ANONYMOUS.key_id || (this.#tokens && key_id.startsWith(TOKEN_KEY_PREFIX))) return this.#never;
    return this.#byName.get(key_id)?.revocation.signal ?? AbortSignal.abort(revoked(key_id));
  }

  /**
   * Where a token is filed, by seeds that nobody outside can know: guesses land
   * anywhere, so that the time of looking there tells nothing of the key's letters.
   */
  #fingerprint(token: string): number {
    const factor = this.#seeds[1]! | 1;
    let hash = this.#seeds[0]!;
    for (let i = 0; i < token.length; i++) hash = Math.imul(hash ^ token.charCodeAt(i), factor) ^ hash >>> 15;
    return hash;
  }

  #findRecent(token: string): Principal | undefined {
    const known = this.#recent.get(this.#fingerprint(token));
    return known && areSame(known.token, token) ? known.principal : undefined;
  }

  async #find(token: string): Promise<Principal | undefined> {
    const digest = await digestOf(token);
    let loading: Promise<void>;
    do {
      loading = this.#loading;
      await loading;
    } while (loading !== this.#loading);
    const principal = this.#bySlot.get(slotOf(digest))?.find((entry) => areEqual(entry.digest, digest))?.principal;
    if (principal) this.#recent.set(this.#fingerprint(token), { token, principal });
    return principal;
  }

  async #load(keys: readonly KeySpec[]): Promise<void> {
    const digests = await Promise.all(keys.map(({ secret }) => digestOf(secret)));
    const bySlot = new Map<number, Entry[]>();
    const byName = new Map<string, Entry>();
    for (const [index, spec] of keys.entries()) {
      const entry = this.#renew(spec, digests[index]!);
      const slot = slotOf(entry.digest);
      bySlot.set(slot, [...bySlot.get(slot) ?? [], entry]);
      byName.set(spec.key_id, entry);
    }
    const gone = [...this.#byName].filter(([key_id, entry]) => byName.get(key_id) !== entry);
    this.#bySlot = bySlot;
    this.#byName = byName;
    for (const [key_id, entry] of gone) entry.revocation.abort(revoked(key_id));
  }

  /** The entry in force where nothing changed, so that its streams go on. */
  #renew(spec: KeySpec, digest: Uint8Array): Entry {
    const principal = toKeyPrincipal(spec);
    const facts = JSON.stringify(principal);
    const old = this.#byName.get(spec.key_id);
    if (old && old.facts === facts && areEqual(old.digest, digest)) return old;
    return { digest, facts, principal, revocation: new AbortController() };
  }
}

function revoked(key_id: string): AppError {
  return new AppError("UnauthorizedError", `The key "${key_id}" was revoked`);
}
