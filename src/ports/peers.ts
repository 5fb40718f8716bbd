/**
 * Connections over which media flows (WebRTC).
 *
 * @module
 */
import type { IceCandidate, IceServer } from "../domain/rtc_signal.ts";

/** Which way a kind of media flows, as the server sees it. */
export type Direction = "sendrecv" | "sendonly" | "recvonly" | "inactive";

/** Where a peer is. `lost` may become `connected` again. */
export type PeerState = "new" | "connecting" | "connected" | "lost" | "failed" | "closed";

/** A piece of media: the payload of one RTP packet (RFC 3550). */
export interface MediaPacket {
  /** The section of the description it belongs to (`a=mid`). */
  mid: string;
  kind: "audio" | "video";
  payload: Uint8Array;
  sequence: number;
  /** The stream whose numbers and times these are (RFC 3550, 3): another one begins anew. Absent where there is but one. */
  ssrc?: number;
  /** In ticks of its clock: 48,000 a second for audio, 90,000 for video. */
  timestamp: number;
  marker: boolean;
  /** How loud it is, from 0 (loudest) to 127 (silence), in -dBov, if the sender says it (RFC 6464). */
  level?: number;
}

/** What is sent. The numbers on the wire are the peer's own. */
export interface OutgoingPacket extends Omit<MediaPacket, "mid" | "sequence" | "ssrc" | "level"> {
  /** The section that carries it; absent: the first of its kind. */
  mid?: string;
  /** Its place among the packets of its section, which may come in any order; absent, for all of them: as they come. */
  sequence?: number;
}

/** A data channel. */
export interface Channel {
  readonly label: string;
  /** Sends, unless the other end is so slow that too much waits already: false then. */
  send(text: string): boolean;
  close(): void;
}

/** What a peer tells its owner. Called synchronously; must not throw. */
export interface PeerEvents {
  onState(state: PeerState): void;
  /** A candidate of ours that wasn't in the description; null when there will be no more. */
  onCandidate(candidate: IceCandidate | null): void;
  onMedia(packet: MediaPacket): void;
  /** The owner's listener for messages is there before the first one. */
  onChannel(channel: Channel): { onMessage(text: string): void; onClose(): void };
  /** The other end wants a whole picture of what is sent to it in this section. */
  onKeyframeAsked(mid: string): void;
  /** The other end missed that much of the sound sent to it, in percent, as it said last. Told about each second. */
  onLoss?(percent: number): void;
}

/** What was counted of a connection. */
export interface PeerStats {
  packets_received: number;
  packets_sent: number;
  bytes_received: number;
  bytes_sent: number;
  packets_lost: number;
  /** Sound that came too late to be heard. */
  packets_stale: number;
  jitter_ms: number | null;
  round_trip_ms: number | null;
  /** How the two ends reach each other, such as `udp host`. */
  path: string | null;
}

/** A fragment of a description, for a restart without a whole one (RFC 8840). */
export interface IceFragment {
  ufrag: string;
  pwd: string;
  candidates: readonly string[];
}

/** One connection. Everything it holds is gone after it was disposed. */
export interface Peer extends AsyncDisposable {
  readonly state: PeerState;
  /** Answers an offer, also a second one. Rejects with `ValidationError`: a first one ends the peer. */
  answer(offer: string): Promise<string>;
  /** Makes an offer; with `restart`, one that finds a new path. */
  offer(options?: { restart?: boolean }): Promise<string>;
  /** Takes the answer to our offer. Rejects with `ValidationError`. */
  accept(answer: string): Promise<void>;
  /** Takes a candidate; null, or an empty one, says that no more will come. What can't be used is left out. */
  addCandidate(candidate: IceCandidate | null): Promise<void>;
  /** Finds a new path by fragments; resolves with ours. Rejects with `ConflictError` when it can't. */
  restart(remote: IceFragment): Promise<IceFragment>;
  /** The fragment in force. */
  readonly ice: { local: IceFragment | null; remote: Pick<IceFragment, "ufrag" | "pwd"> | null };
  /** The sections that the other end sends, by `mid`. */
  readonly tracks: readonly { mid: string; kind: "audio" | "video" }[];
  /** The sections in which media can be sent to the other end, in the order of the description. */
  readonly outlets: readonly { mid: string; kind: "audio" | "video" }[];
  /** Sends media; dropped while there is nobody to send it to. */
  sendAudio(packet: OutgoingPacket): void;
  sendVideo(packet: OutgoingPacket): void;
  /** Asks the other end for a whole picture. */
  requestKeyframe(mid: string): void;
  /** Opens a channel to the other end; `onChannel` is called for it as well, before this returns. */
  openChannel(label: string): Channel;
  stats(): PeerStats;
}

/** Options for {@linkcode Peers.create}. */
export interface PeerOptions {
  audio: Direction;
  video: Direction;
  ice_servers: readonly IceServer[];
  /** Only over TURN. */
  relay_only: boolean;
  events: PeerEvents;
}

/** Where peers reach the server. */
export interface PeerPlaces {
  /** Such as `192.0.2.1:8001/udp`. */
  addresses: readonly string[];
  port: number;
}

/** Makes peers, which share one UDP port and one TCP port. */
export interface Peers extends AsyncDisposable {
  /** Opens the ports, once. Rejects with `ConfigurationError` naming what is in the way. */
  open(): Promise<PeerPlaces>;
  create(options: PeerOptions): Peer;
  /**
   * How long what comes waits until it is read, in milliseconds, where it has come to the longest queue. To be asked
   * again and again: what is told was found since it was asked last.
   */
  lateness(): number;
}
