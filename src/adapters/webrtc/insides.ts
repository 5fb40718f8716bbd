/**
 * What is used of werift beside its types: members it marks private, which its version is pinned for.
 *
 * @module
 */
import type { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import type * as Werift from "werift";

/** The package, as `import("werift")` gives it. */
export type WeriftModule = typeof Werift;
/** A peer connection of werift. */
export type PeerConnection = Werift.RTCPeerConnection;
/** A host and a port. */
export type Address = readonly [host: string, port: number];

/** One kind of way on which STUN and data come and go. */
export interface Protocol {
  type: string;
  localIp?: string;
  localCandidate?: Werift.Candidate;
  onRequestReceived: { execute(message: Werift.Message, address: Address, data: Buffer): void };
  sendData(data: Buffer, address: Address): Promise<void>;
  close?(): Promise<void>;
}

/** A way over UDP. */
export interface UdpProtocol extends Protocol {
  transport: unknown;
  datagramReceived(data: Buffer, address: Address): void;
}

/** A way over TCP connections that others open. */
export interface TcpProtocol extends Protocol {
  sockets: Map<string, { socket: Socket }>;
  registerSocket(socket: Socket, address: Address): void;
  getOpenSocket(address: Address): { socket: Socket } | undefined;
}

/** A local and a remote end that are tried. */
export interface Pair {
  protocol: Protocol;
  nominated: boolean;
  readonly remoteAddr: Address;
  readonly localCandidate: Werift.Candidate;
  readonly remoteCandidate: Werift.Candidate;
  rtt?: number;
  requestTransactionIds: Set<string>;
}

/** Where ICE happens. */
export interface Connection {
  readonly iceLite: boolean;
  localUsername: string;
  localPassword: string;
  remoteUsername: string;
  remotePassword: string;
  userHistory: Record<string, string>;
  generation: number;
  state: string;
  checkList: Pair[];
  nominated: Pair | undefined;
  protocols: Protocol[];
  localCandidates: Werift.Candidate[];
  _remoteCandidates: Werift.Candidate[];
  localCandidatesStart: boolean;
  localCandidatesEnd: boolean;
  stunServer: Address | undefined;
  restart(): Promise<void>;
  close(): Promise<void>;
  send(data: Buffer): Promise<void>;
  gatherCandidates(): Promise<void>;
  getCandidatePromises(addresses: string[], timeout?: number): Promise<unknown>[];
  ensureProtocol(protocol: Protocol): void;
  pairLocalProtocol(protocol: Protocol): void;
  sortCheckList(): void;
  appendLocalCandidate(candidate: Werift.Candidate): void;
  setState(state: string): void;
  checkRequestOptions(pair: Pair): { retransmissions: number };
}

/** A message of a handshake. */
export interface Handshake {
  msg_type: number;
  fragment: Buffer;
  serialize(): Buffer;
}

/** A piece of such a message, or all of it. */
export interface HandshakeFragment {
  msg_type: number;
  length: number;
  message_seq: number;
  fragment_offset: number;
  fragment_length: number;
  fragment: Buffer;
}

/** Where DTLS happens. */
export interface Dtls {
  handleFragmentHandshake(pieces: HandshakeFragment[]): HandshakeFragment[];
  onHandleHandshakes(messages: HandshakeFragment[]): Promise<void>;
  dtls: { recordSequenceNumber: number; flight: number; sortedHandshakeCache: Handshake[] };
  cipher: {
    remoteCertificate?: Uint8Array;
    localRandom: { serialize(): Buffer };
    remoteRandom: { serialize(): Buffer };
    decryptPacket(record: {
      recordLayerHeader: {
        contentType: number;
        protocolVersion: { major: number; minor: number };
        epoch: number;
        sequenceNumber: number;
        contentLen: number;
      };
      fragment: Buffer;
    }): Buffer;
  };
  transport: { socket: { onData(data: Buffer): void } };
  onClose: { execute(): void };
}

/** What DTLS is carried by. */
export interface DtlsTransport {
  state: "new" | "connecting" | "connected" | "closed" | "failed";
  role: "auto" | "server" | "client";
  dtls?: Dtls;
  bytesSent: number;
  bytesReceived: number;
  packetsSent: number;
  packetsReceived: number;
  onStateChange: Werift.Event<[string]>;
  verifyRemoteCertificateFingerprint(): void;
  iceTransport: IceTransport;
  sendRtcp(packets: Werift.RtcpPayloadSpecificFeedback[]): Promise<unknown>;
}

/** What ICE is carried by. */
export interface IceTransport {
  connection: Connection;
  state: string;
  iceRestarts: number;
  onStateChange: Werift.Event<[string]>;
  start(): Promise<void>;
}

/** What data channels are carried by. */
export interface Sctp {
  advertisedRwnd: number;
  sackMisOrdered: Set<number>;
  associationState: number;
  stateChanged: { connected: Werift.Event<[]>; closed: Werift.Event<[]> };
  onReceive: { execute(stream: number, protocol: number, data: Buffer): void };
  handleData(data: Buffer): Promise<void>;
  sendChunk(chunk: { type: number }): Promise<void>;
  timerReconfigHandleExpired(): Promise<void>;
}

/** What data channels are managed by. */
export interface SctpTransport {
  sctp: Sctp;
  dataChannels: Record<number, unknown>;
  datachannelReceive(stream: number, protocol: number, data: Buffer): Promise<void>;
  dataChannelFlush(): Promise<void>;
}

/** The parts of a connection. */
export function insidesOf(pc: PeerConnection) {
  return {
    dtls: pc.dtlsTransports as unknown as DtlsTransport[],
    ice: pc.iceTransports as unknown as IceTransport[],
    sctp: pc.sctpTransport as unknown as SctpTransport | undefined,
  };
}
