/**
 * What was counted of a peer, in the port's words.
 *
 * @module
 */
import type { RTCRtpSender } from "werift";
import type { PeerStats } from "../../ports/peers.ts";
import type { Inbound } from "./inbound.ts";
import type { Connection, DtlsTransport } from "./insides.ts";

/** What statistics are made of. */
export interface Counted {
  transports: readonly DtlsTransport[];
  inbound: Iterable<Inbound>;
  senders: readonly RTCRtpSender[];
}

/** The way that media takes, such as `udp host`: the transport, and what is at its ends if that is more than a host. */
export function pathOf({ nominated }: Connection): string | null {
  if (nominated === undefined) return null;
  const { localCandidate: local, remoteCandidate: remote } = nominated;
  return `${local.transport} ${local.type === "relay" || remote.type === "relay" ? "relay" : local.type}`;
}

/** How long a message takes there and back: as ICE sees it, or the reports on what was sent. */
function roundTripOf({ transports, senders }: Counted): number | null {
  const checked = transports.map(({ iceTransport }) => iceTransport.connection.nominated?.rtt);
  const reported = senders.map((sender) => (sender as unknown as { rtt?: number }).rtt);
  const seconds = [...reported, ...checked].find((one) => one !== undefined);
  return seconds === undefined ? null : seconds * 1000;
}

/** Adds it up. */
export function statsOf(counted: Counted): PeerStats {
  const { transports } = counted;
  const inbound = [...counted.inbound];
  const sum = (list: readonly number[]) => list.reduce((all, one) => all + one, 0);
  const audible = inbound.filter(({ counts }) => counts.packets > 0);
  return {
    packets_received: sum(transports.map((one) => one.packetsReceived)),
    packets_sent: sum(transports.map((one) => one.packetsSent)),
    bytes_received: sum(transports.map((one) => one.bytesReceived)),
    bytes_sent: sum(transports.map((one) => one.bytesSent)),
    packets_lost: sum(inbound.map(({ lost }) => lost)),
    packets_stale: sum(inbound.map(({ counts }) => counts.stale)),
    jitter_ms: audible.length === 0 ? null : Math.max(...audible.map(({ jitter_ms }) => jitter_ms)),
    round_trip_ms: roundTripOf(counted),
    path: transports.map(({ iceTransport }) => pathOf(iceTransport.connection)).find((path) => path !== null) ?? null,
  };
}
