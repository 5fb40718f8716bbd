/**
 * Why a call found no way.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { Peer } from "../../ports/peers.ts";

/** Such as `192.0.2.1:8001/udp`, of a candidate (RFC 8839, section 5.1). */
function addressOf(candidate: string): string {
  const [, , transport, , host = "", port] = candidate.split(" ");
  return `${host.includes(":") ? `[${host}]` : host}:${port}/${transport}`;
}

/** Says that nothing came of a call in time, and where the caller's network had to let it go. */
export function noWay(peer: Pick<Peer, "ice"> | undefined): AppError {
  const places = new Set(peer?.ice.local?.candidates.map(addressOf));
  const message = peer === undefined
    ? "Cannot connect the call: nothing was offered in time"
    : places.size === 0
    ? "Cannot connect the call: there is no address that callers could reach"
    : `Cannot connect the call: nothing came from the caller in time, which must reach ${[...places].join(" or ")}`;
  return new AppError("TimeoutError", message, { details: { addresses: [...places] } });
}
