/**
 * The servers that help two ends to find each other, with credentials that expire.
 *
 * @module
 */
import type { IceServer } from "../../domain/rtc_signal.ts";
import type { Clock } from "../../kit/clock.ts";

/** What the settings say of them. */
export interface IceOptions {
  /** Servers as they are, with lasting credentials if any. */
  servers: readonly IceServer[];
  /** TURN servers that share a secret with us (`use-auth-secret` of coturn). */
  turn: { urls: readonly string[]; secret: string; ttl_seconds: number };
}

/** Servers, and until when their credentials hold. */
export interface IssuedServers {
  ice_servers: IceServer[];
  /** In milliseconds; null: for ever. */
  expires_at: number | null;
}

/** Issues credentials for `name`: the end of their time and a MAC of it (draft-uberti-behave-turn-rest-00). */
export async function issueIceServers(
  { servers, turn }: IceOptions,
  name: string,
  clock: Clock,
): Promise<IssuedServers> {
  const lasting = servers.map((server) => ({ ...server, urls: [...server.urls] }));
  if (turn.urls.length === 0) return { ice_servers: lasting, expires_at: null };
  const expires = Math.floor(clock.now() / 1000) + turn.ttl_seconds;
  const username = `${expires}:${name}`;
  const credential = await sign(turn.secret, username);
  return { ice_servers: [...lasting, { urls: [...turn.urls], username, credential }], expires_at: expires * 1000 };
}

async function sign(secret: string, text: string): Promise<string> {
  const encoder = new TextEncoder();
  const algorithm = { name: "HMAC", hash: "SHA-1" };
  const key = await crypto.subtle.importKey("raw", encoder.encode(secret), algorithm, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, encoder.encode(text))).toBase64();
}
