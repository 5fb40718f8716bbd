/**
 * Secrets that open calls and nothing else, for the browsers of an application's people.
 *
 * @module
 */
import { ownerOf, type Principal } from "../../domain/access.ts";
import { AppError } from "../../domain/error.ts";
import type { RtcSecretRow } from "../../domain/table.ts";
import { type Clock, toTime } from "../../kit/clock.ts";
import { createId } from "../../kit/id.ts";
import type { Store } from "../../ports/store.ts";
import { randomText } from "../identity/key_spec.ts";
import { subjectOf } from "../identity/subject.ts";

/** What every secret begins with. */
export const SECRET_PREFIX = "ek_";
/** How many secrets of a key may be in force. */
const MAX_OWN = 1000;
const SECRET = /^ek_[0-9A-Za-z]{32,64}$/;

/** What {@linkcode CallSecrets} need. */
export interface CallSecretsDeps {
  store: Store;
  clock: Clock;
  /** The operations for which they are good. */
  operations: readonly string[];
  /** Those of secrets that are for watching a call, or a room. */
  watching: readonly string[];
}

/** A secret, shown once. */
export interface MadeSecret {
  id: string;
  secret: string;
  expires_at: string;
}

/** Makes secrets, and knows them. What is stored gives none away. */
export class CallSecrets {
  readonly #deps: CallSecretsDeps;

  constructor(deps: CallSecretsDeps) {
    this.#deps = deps;
  }

  /**
   * Makes a secret that stands for `principal` in calls that begin before it expires, however many. `session` is what
   * they begin with, in the words of whoever asks for it.
   */
  async create(
    principal: Principal,
    { session, lifetime_ms }: { session: Record<string, unknown>; lifetime_ms: number },
  ): Promise<MadeSecret> {
    const { store, clock } = this.#deps;
    const now = clock.now();
    const { tenant_id, key_id } = principal;
    const valid = { tenant_id, key_id, expires_at: { gt: toTime(now) } };
    const [own] = await store.sum({ from: "rtc_secrets", where: valid, sum: [], by: [] });
    if ((own?.count ?? 0) >= MAX_OWN) {
      throw new AppError(
        "TooManyRequestsError",
        `Cannot make a secret: ${MAX_OWN} of ${subjectOf(principal, "")} are in force`,
        {
          retry_after: 60,
        },
      );
    }
    const secret = `${SECRET_PREFIX}${randomText(40)}`;
    // A secret doesn't outlive what it was made with.
    const expires_at = toTime(Math.min(now + lifetime_ms, principal.expires_at ?? Infinity));
    const row: RtcSecretRow = {
      ...ownerOf(principal),
      id: createId("sec"),
      digest: await digestOf(secret),
      session,
      expires_at,
      created_at: toTime(now),
    };
    await store.commit({ writes: [{ insert: "rtc_secrets", rows: [row] }] });
    return { id: row.id, secret, expires_at };
  }

  /** Who `secret` stands for. Rejects with `UnauthorizedError`, which never quotes it. */
  async identify(secret: string): Promise<Principal> {
    const row = SECRET.test(secret) ? await this.#find({ digest: await digestOf(secret) }) : undefined;
    if (!row) {
      throw new AppError("UnauthorizedError", "Cannot identify the caller: the secret is unknown or has expired");
    }
    const { tenant_id, key_id, user_id, id, session } = row;
    return {
      tenant_id,
      key_id,
      ...user_id !== null && { user_id },
      access: "user",
      scopes: [],
      may_assert_user: false,
      grant: { id, ...this.#meantBy(session) },
    };
  }

  /** What calls of `principal`'s secret begin with; null for who came without one. */
  async sessionOf({ grant }: Principal): Promise<Record<string, unknown> | null> {
    if (!grant) return null;
    return (await this.#find({ id: grant.id }))?.session ?? null;
  }

  /** What a secret is good for. */
  #meantBy({ room_id, watch }: Record<string, unknown>): Omit<NonNullable<Principal["grant"]>, "id"> {
    const { operations, watching } = this.#deps;
    if (typeof watch !== "string") return { operations, ...typeof room_id === "string" && { room_id } };
    return { operations: watching, ...watch.startsWith("room_") ? { room_id: watch } : { session_id: watch } };
  }

  async #find(where: { digest: string } | { id: string }): Promise<RtcSecretRow | undefined> {
    const { store, clock } = this.#deps;
    const [row] = await store.read({ from: "rtc_secrets", where, limit: 1 });
    return row && row.expires_at > toTime(clock.now()) ? row : undefined;
  }
}

async function digestOf(secret: string): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(secret))).toHex();
}
