/**
 * Who may enter, and how often: made from the settings.
 *
 * @module
 */
import { createTokens } from "../adapters/jose/tokens.ts";
import { AttemptLimit } from "../core/identity/attempts.ts";
import { Audit } from "../core/identity/audit.ts";
import { generateKey, type KeySpec } from "../core/identity/key_spec.ts";
import { type AuthMode, Keys } from "../core/identity/keys.ts";
import { Limits } from "../core/identity/limits.ts";
import { Slots } from "../core/identity/slots.ts";
import { Tickets } from "../core/identity/tickets.ts";
import type { Clock } from "../kit/clock.ts";
import type { Log } from "../kit/log.ts";
import type { Store } from "../ports/store.ts";
import { toKeys, toMissingKeys } from "../settings/checks.ts";
import type { Settings } from "../settings/schema.ts";
import { compileNetworks } from "../transports/http/address.ts";

/** Generated keys, by access. */
export type GeneratedKeys = { user?: string; admin?: string };

/** The keys of the settings, and generated ones where they give none: those of `before`, if there are any. */
export function toKeySpecs(
  settings: Settings,
  before: GeneratedKeys = {},
): { keys: KeySpec[]; generated: GeneratedKeys } {
  const generated: GeneratedKeys = {};
  for (const access of toMissingKeys(settings)) generated[access] = before[access] ?? generateKey(access);
  const made = (["user", "admin"] as const).flatMap((access) => {
    const secret = generated[access];
    const scopes = access === "user" ? settings.auth.user_scopes : [];
    return secret === undefined ? [] : [{ key_id: access, access, secret, scopes }];
  });
  return { keys: [...toKeys(settings), ...made], generated };
}

/** Builds what the gateway asks before it lets anybody in. */
export function createGuards(
  settings: Settings,
  specs: readonly KeySpec[],
  { store, clock, log }: { store: Store; clock: Clock; log: Log },
) {
  const { auth, limits: limit, server, rtc } = settings;
  const modes = auth.mode.split(",") as AuthMode[];
  const keys = new Keys({
    keys: specs,
    modes,
    ...modes.includes("jwt") && { tokens: createTokens({ ...auth.jwt, clock }) },
  });
  const attempts = new AttemptLimit({ per_minute: auth.attempts_per_minute, clock });
  const limits = new Limits({ ...limit, clock });
  const { max_streams, max_streams_per_key, max_requests } = server;
  const slots = new Slots({
    streams: { per_key: max_streams_per_key, total: max_streams },
    requests: { per_key: max_requests, total: max_requests },
    calls: { per_key: rtc.max_calls_per_key, total: rtc.max_calls },
  });
  const adminFrom = server.admin_allow_from.length === 0 ? () => true : compileNetworks(server.admin_allow_from);
  return {
    keys,
    attempts,
    limits,
    slots,
    adminFrom,
    tickets: new Tickets({ keys, clock }),
    audit: new Audit({ store, clock, log }),
    /** Puts other settings in force. */
    async update(next: Settings, specs: readonly KeySpec[]): Promise<void> {
      limits.update(next.limits);
      await keys.replace(specs);
    },
  };
}
