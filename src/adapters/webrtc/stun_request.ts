/**
 * STUN messages (RFC 8489), as far as telling whose they are needs it.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { WeriftModule } from "./insides.ts";

const HEADER = 20;
const COOKIE = 0x2112a442;
const USERNAME = 6;

/** Whether a datagram is a STUN message; `request` and `response` are those of bindings. */
export function stunKind(data: Buffer): "request" | "response" | undefined {
  if (data.length < HEADER || data.readUInt32BE(4) !== COOKIE) return undefined;
  const type = data.readUInt16BE(0);
  return type === 1 ? "request" : type === 0x101 || type === 0x111 ? "response" : undefined;
}

/** The name a request calls its receiver by: what stands before the colon. */
export function calledName(data: Buffer): string | undefined {
  const end = Math.min(data.length, HEADER + data.readUInt16BE(2));
  for (let at = HEADER; at + 4 <= end;) {
    const type = data.readUInt16BE(at);
    const length = data.readUInt16BE(at + 2);
    if (type === USERNAME) {
      if (at + 4 + length > end) return undefined;
      const [name, rest] = data.toString("latin1", at + 4, at + 4 + length).split(":", 2);
      return rest === undefined ? undefined : name;
    }
    at += 4 + length + (-length & 3);
  }
  return undefined;
}

/** Whether who sent the message knows the password. */
export function isVerified(werift: WeriftModule, data: Buffer, password: string): boolean {
  return werift.parseMessage(data, Buffer.from(password, "utf8")) !== undefined;
}
