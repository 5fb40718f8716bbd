/**
 * Records of DTLS (RFC 6347), as far as they can be judged from outside.
 *
 * @module
 */

/** The header of a record. */
const HEADER = 13;

/** What a record may hold. */
export const DTLS_TYPE = { alert: 21, handshake: 22, data: 23 } as const;

/** A record of a datagram. */
export interface DtlsRecord {
  type: number;
  /** 0 is unencrypted. */
  epoch: number;
  sequence: number;
  fragment: Uint8Array;
  /** All of it. */
  bytes: Uint8Array;
}

/** The whole records of a datagram; what follows a torn one is left out. */
export function* recordsOf(datagram: Uint8Array): Generator<DtlsRecord> {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  for (let at = 0; at + HEADER <= datagram.length;) {
    const end = at + HEADER + view.getUint16(at + 11);
    if (end > datagram.length) return;
    yield {
      type: view.getUint8(at),
      epoch: view.getUint16(at + 3),
      sequence: view.getUint16(at + 5) * 2 ** 32 + view.getUint32(at + 7),
      fragment: datagram.subarray(at + HEADER, end),
      bytes: datagram.subarray(at, end),
    };
    at = end;
  }
}

/** Whether a record may be meant for a connection that is encrypted by now. */
export function isEncrypted({ type, epoch }: DtlsRecord): boolean {
  return epoch > 0 && type >= DTLS_TYPE.alert && type <= DTLS_TYPE.data;
}
