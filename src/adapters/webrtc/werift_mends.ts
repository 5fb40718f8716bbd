/**
 * What werift 0.25.2 does wrong, mended on the instances of one connection. Each mend has its test, which also shows the
 * fault without it: a later version that passes there needs the mend no more.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { DTLS_TYPE, type DtlsRecord, isEncrypted, recordsOf } from "./dtls_check.ts";
import { orderHandshake } from "./dtls_order.ts";
import { verifyPossession } from "./dtls_possession.ts";
import type { Connection, Dtls, DtlsTransport, IceTransport, SctpTransport } from "./insides.ts";
import { isSoundSctp } from "./sctp_check.ts";

/** What is done about the other end. */
export interface MendEvents {
  /** Something that a sound peer doesn't send was dropped. */
  onDropped(what: "dtls" | "sctp"): void;
  /** The other end uses up memory without end. */
  onAbuse(reason: string): void;
  /** The other end ended the connection in an orderly way. */
  onEnded(): void;
}

/** More than every window that we offer. */
const SCTP_DEBT = -65_536;
/** More out of order than fits into a window of whole packets. */
const SCTP_DISORDER = 2048;
/** Numbers of records that are left out, so that none is used twice. */
const RECORDS_LEFT_OUT = 1024;
/** A flight of the handshake that none follows. */
const NO_FLIGHT = 99;
/** How often a check over UDP is sent again, each time after twice as long as before (RFC 8489, section 6.2.1: Rc is 7). */
const CHECKS_AGAIN = 6;

/**
 * DTLS: messages of the handshake are taken in order, the other end must hold the key of its certificate, numbers of
 * records are not used twice (which would stall the first message, and weaken the cipher), and what comes unencrypted
 * after the handshake is dropped.
 */
export function mendDtls(transport: DtlsTransport, events: MendEvents): void {
  const compare = transport.verifyRemoteCertificateFingerprint.bind(transport);
  transport.verifyRemoteCertificateFingerprint = () => {
    compare();
    verifyPossession(transport);
  };
  transport.onStateChange.subscribe((state) => {
    // It is made right after it is told of.
    if (state === "connecting") queueMicrotask(() => transport.dtls && orderHandshake(transport.dtls));
    const { dtls } = transport;
    if (state !== "connected" || dtls === undefined) return;
    dtls.dtls.recordSequenceNumber += RECORDS_LEFT_OUT;
    const { socket } = dtls.transport;
    const pass = socket.onData;
    socket.onData = (datagram) => {
      const kept: Uint8Array[] = [];
      for (const record of recordsOf(datagram)) {
        if (!isEncrypted(record)) events.onDropped("dtls");
        else if (record.type === DTLS_TYPE.alert) hearAlert(dtls, record, events);
        else kept.push(record.bytes);
      }
      if (kept.length > 0) pass(Buffer.concat(kept));
    };
  });
}

/** An alert counts if it can be decrypted; werift would also take one that merely claims to be encrypted. */
function hearAlert(dtls: Dtls, { type, epoch, sequence, fragment }: DtlsRecord, events: MendEvents): void {
  const recordLayerHeader = {
    contentType: type,
    protocolVersion: { major: 254, minor: 253 },
    epoch,
    sequenceNumber: sequence,
    contentLen: fragment.length,
  };
  try {
    dtls.cipher.decryptPacket({ recordLayerHeader, fragment: Buffer.from(fragment) });
  } catch {
    return events.onDropped("dtls");
  }
  events.onEnded();
}

/** A handshake that never ended would go on being sent for half a minute. */
export function stopFlights(transport: DtlsTransport): void {
  if (transport.dtls !== undefined) transport.dtls.dtls.flight = NO_FLIGHT;
}

const mended = new WeakSet<object>();
/** INIT and COOKIE ECHO. */
const SCTP_ASKS: readonly number[] = [1, 10];

/**
 * SCTP: packets are checked before they are read (one with a length of zero would never end), nothing that fails later
 * ends the process, and what is held for the other end is bounded. To be called again whenever the transport may have
 * been replaced.
 */
export function mendSctp(transport: SctpTransport, events: MendEvents): void {
  const { sctp } = transport;
  if (mended.has(sctp)) return;
  mended.add(sctp);
  const drop = () => events.onDropped("sctp");
  const handle = sctp.handleData.bind(sctp);
  sctp.handleData = async (packet) => {
    if (!isSoundSctp(packet)) return drop();
    await handle(packet).catch(drop);
    if (sctp.advertisedRwnd < SCTP_DEBT) events.onAbuse("it sends more than its window allows");
    if (sctp.sackMisOrdered.size > SCTP_DISORDER) events.onAbuse("it sends without order");
  };
  sctp.onReceive.execute = (stream, protocol, data) =>
    void transport.datachannelReceive(stream, protocol, data).catch(drop);
  const reconfigure = sctp.timerReconfigHandleExpired.bind(sctp);
  sctp.timerReconfigHandleExpired = () => reconfigure().catch(drop);
  const send = sctp.sendChunk.bind(sctp);
  sctp.sendChunk = async (chunk) => {
    if (!SCTP_ASKS.includes(chunk.type)) return await send(chunk).catch(drop);
    // It expects the answer only once the question is on its way: a quick one would be lost, for three seconds.
    setTimeout(() => void send(chunk).catch(drop), 0);
  };
  if (mended.has(transport)) return;
  mended.add(transport);
  const flush = transport.dataChannelFlush.bind(transport);
  transport.dataChannelFlush = () => flush().catch(drop);
}

/** ICE: an end that is slow for two seconds is not given up. */
export function mendChecks(connection: Connection): void {
  const options = connection.checkRequestOptions.bind(connection);
  connection.checkRequestOptions = (pair) => {
    const isUdp = pair.localCandidate.transport.toLowerCase() === "udp";
    return { ...options(pair), ...isUdp && { retransmissions: CHECKS_AGAIN } };
  };
}

/** After a restart that keeps DTLS nobody starts ICE again. Returns the number of restarts that are under way. */
export function continueIce(transport: IceTransport, before: number): number {
  if (transport.iceRestarts > before) transport.start().catch(() => {});
  return transport.iceRestarts;
}
