/**
 * What the browser counts of a connection.
 *
 * @module
 */

/** How the connection is, as seen from here. */
export interface CallStatistics {
  round_trip_ms: number | null;
  jitter_ms: number | null;
  packets_received: number;
  packets_lost: number;
  bytes_received: number;
  bytes_sent: number;
  /** How the server is reached, such as `udp host`. */
  path: string | null;
}

// The members of `RTCStats` that are read here; the type of the platform has only those all of them share.
interface Report {
  id: string;
  type: string;
  kind?: string;
  selectedCandidatePairId?: string;
  selected?: boolean;
  nominated?: boolean;
  state?: string;
  localCandidateId?: string;
  remoteCandidateId?: string;
  currentRoundTripTime?: number;
  protocol?: string;
  candidateType?: string;
  jitter?: number;
  packetsReceived?: number;
  packetsLost?: number;
  bytesReceived?: number;
  bytesSent?: number;
}

/** Reads the figures of a connection. */
export async function readStatistics(pc: RTCPeerConnection): Promise<CallStatistics> {
  const reports: Report[] = [];
  (await pc.getStats()).forEach((report: Report) => reports.push(report));
  const find = (id: string | undefined) => reports.find((one) => one.id === id);
  const transport = reports.find(({ type }) => type === "transport");
  // Firefox marks the pair itself instead of naming it.
  const pair = find(transport?.selectedCandidatePairId) ??
    reports.find(({ type, selected, nominated, state }) =>
      type === "candidate-pair" && (selected || (nominated && state === "succeeded"))
    );
  const [local, remote] = [find(pair?.localCandidateId), find(pair?.remoteCandidateId)];
  const inbound = reports.find(({ type, kind }) => type === "inbound-rtp" && kind === "audio");
  const toMs = (seconds: number | undefined) => seconds === undefined ? null : Math.round(seconds * 1000);
  const isRelayed = [local, remote].some((end) => end?.candidateType === "relay");
  return {
    round_trip_ms: toMs(pair?.currentRoundTripTime),
    jitter_ms: toMs(inbound?.jitter),
    packets_received: inbound?.packetsReceived ?? 0,
    packets_lost: inbound?.packetsLost ?? 0,
    bytes_received: pair?.bytesReceived ?? 0,
    bytes_sent: pair?.bytesSent ?? 0,
    path: local && remote ? `${local.protocol} ${isRelayed ? "relay" : remote.candidateType}` : null,
  };
}
