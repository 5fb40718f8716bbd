/**
 * Two connections of werift as it is, on this machine: a client, and a server that a test may mend.
 *
 * @module
 */
import type * as Werift from "werift";
import {
  type DtlsTransport,
  type IceTransport,
  insidesOf,
  type SctpTransport,
} from "../../src/adapters/webrtc/insides.ts";
import { PATIENCE_MS, within } from "./waiting.ts";

/** The package. */
export const werift = await import("werift");

/** Options for {@linkcode connectPair}. */
export interface PairOptions {
  /** Called between the server's taking the offer and its answer. */
  mend?(server: Inner): void;
  /** Called before the client starts. */
  prepare?(client: Inner): void;
  /** Whether to wait for the connection. */
  connect?: boolean;
  lite?: boolean;
}

/** A connection and its parts. */
export interface Inner {
  pc: Werift.RTCPeerConnection;
  ice: IceTransport;
  dtls: DtlsTransport;
  sctp: SctpTransport;
}

/** Both ends. */
export interface WeriftPair extends AsyncDisposable {
  client: Inner;
  server: Inner;
  /** Of the client. */
  channel: Werift.RTCDataChannel;
  answer: string;
  /** Sends text and resolves with whether it came back. */
  echoes(text: string, options?: { patience_ms?: number }): Promise<boolean>;
}

/** A connection that stays on this machine. */
export function rawConnection(options: Partial<Werift.PeerConfig> = {}): Werift.RTCPeerConnection {
  const pc = new werift.RTCPeerConnection({
    iceServers: [],
    iceUseIpv6: false,
    iceAdditionalHostAddresses: ["127.0.0.1"],
    bundlePolicy: "max-bundle",
    codecs: { audio: [werift.useOPUS()] },
    ...options,
  });
  return pc;
}

/** Keeps a connection from asking the public server that werift falls back on. */
export function keepLocal(pc: Werift.RTCPeerConnection): void {
  for (const { connection } of insidesOf(pc).ice) connection.stunServer = undefined;
}

/** The parts of a connection that has a data channel. */
export function innerOf(pc: Werift.RTCPeerConnection): Inner {
  const { dtls, ice, sctp } = insidesOf(pc);
  return { pc, ice: ice[0]!, dtls: dtls[0]!, sctp: sctp! };
}

/** An offer with sound and a channel. */
export async function rawOffer(pc: Werift.RTCPeerConnection): Promise<Werift.RTCDataChannel> {
  if (pc.getTransceivers().length === 0) pc.addTransceiver("audio");
  const channel = pc.createDataChannel("test");
  keepLocal(pc);
  await pc.setLocalDescription(await pc.createOffer());
  return channel;
}

/** Connects both ends; the server sends back what the channel brings. */
export async function connectPair(
  { mend, prepare, connect = true, lite = false }: PairOptions = {},
): Promise<WeriftPair> {
  const [a, b] = [rawConnection(), rawConnection({ iceLite: lite })];
  b.onDataChannel.subscribe((channel) =>
    void channel.onMessage.subscribe((message) => {
      if (channel.readyState === "open") channel.send(message);
    })
  );
  const channel = await rawOffer(a);
  const client = innerOf(a);
  prepare?.(client);
  await b.setRemoteDescription({ type: "offer", sdp: a.localDescription!.sdp });
  keepLocal(b);
  const server = innerOf(b);
  server.dtls.role = "server";
  mend?.(server);
  await b.setLocalDescription(await b.createAnswer());
  const answer = b.localDescription!.sdp;
  const opened = Promise.withResolvers<void>();
  channel.stateChanged.subscribe((state) => state === "open" && opened.resolve());
  await a.setRemoteDescription({ type: "answer", sdp: answer });
  const seen = () => ({ client: client.dtls.state, server: server.dtls.state, channel: channel.readyState });
  if (connect) await within("the channel to open", opened.promise, { seen });
  return {
    client,
    server,
    channel,
    answer,
    async echoes(text, { patience_ms = PATIENCE_MS } = {}) {
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const listener = channel.onMessage.subscribe((message) => message === text && resolve(true));
      const timer = setTimeout(() => resolve(false), patience_ms);
      channel.send(text);
      const came = await promise;
      clearTimeout(timer);
      listener.unSubscribe();
      return came;
    },
    async [Symbol.asyncDispose]() {
      for (const { pc, dtls } of [client, server]) {
        await pc.close();
        if (dtls.dtls !== undefined) dtls.dtls.dtls.flight = 99;
      }
    },
  };
}

/** Checksum of SCTP (CRC-32C). */
function crc32c(bytes: Uint8Array): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

/** An SCTP packet with one chunk, as the client's own would be. */
export function sctpPacket({ sctp }: Inner, chunk: readonly number[], { soundChecksum = true } = {}): Uint8Array {
  const packet = new Uint8Array(12 + chunk.length);
  const view = new DataView(packet.buffer);
  view.setUint16(0, 5000);
  view.setUint16(2, 5000);
  view.setUint32(4, (sctp.sctp as unknown as { remoteVerificationTag: number }).remoteVerificationTag);
  packet.set(chunk, 12);
  if (soundChecksum) view.setUint32(8, crc32c(packet), true);
  return packet;
}

/** Sends an SCTP packet as the client would. */
export async function sendSctp({ dtls }: Inner, packet: Uint8Array): Promise<void> {
  const { dtls: socket } = dtls as unknown as { dtls: { send(data: Uint8Array): Promise<void> } };
  await socket.send((await import("node:buffer")).Buffer.from(packet));
}

/** A record of DTLS. */
export function dtlsRecord(
  type: number,
  { epoch, sequence = 0, body }: { epoch: number; sequence?: number; body: readonly number[] },
): Uint8Array {
  const record = new Uint8Array(13 + body.length);
  const view = new DataView(record.buffer);
  record.set([type, 254, 253]);
  view.setUint16(3, epoch);
  view.setUint32(7, sequence);
  view.setUint16(11, body.length);
  record.set(body, 13);
  return record;
}

/** Sends a datagram from the client's own address, as an attacker that forges it would. */
export async function sendRaw({ ice }: Inner, datagram: Uint8Array): Promise<void> {
  const { Buffer } = await import("node:buffer");
  const pair = ice.connection.nominated!;
  await pair.protocol.sendData(Buffer.from(datagram), pair.remoteAddr);
}
