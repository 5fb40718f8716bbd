/**
 * Whether an SCTP packet (RFC 9260) is built soundly, before anything reads it.
 *
 * @module
 */
const HEADER = 12;
const MAX_PACKET = 65_536;
/** How long the fixed part of a chunk is that parameters follow, by its type. */
const BEFORE_PARAMETERS: Record<number, number> = { 1: 20, 2: 20, 4: 4, 5: 4, 6: 4, 9: 4, 130: 4 };
const DATA = 0;
const SACK = 3;

function padded(length: number): number {
  return length + (-length & 3);
}

/** Whether the parameters from `from` to `end` fill their place. */
function soundParameters(view: DataView, from: number, end: number): boolean {
  for (let at = from; at + 4 <= end;) {
    const length = view.getUint16(at + 2);
    if (length < 4 || at + length > end) return false;
    at += padded(length);
  }
  return true;
}

/** Whether a chunk of `type` has room for what its counts promise. */
function soundChunk(view: DataView, at: number, length: number): boolean {
  const type = view.getUint8(at);
  if (type === DATA) return length >= 16;
  if (type === SACK) {
    return length >= 16 && 16 + 4 * (view.getUint16(at + 12) + view.getUint16(at + 14)) <= length;
  }
  const fixed = BEFORE_PARAMETERS[type];
  return fixed === undefined || (length >= fixed && soundParameters(view, at + fixed, at + length));
}

/** Whether every length in the packet is one, so that who walks it moves on and stays inside. */
export function isSoundSctp(packet: Uint8Array): boolean {
  if (packet.length < HEADER + 4 || packet.length > MAX_PACKET) return false;
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  for (let at = HEADER; at < packet.length;) {
    if (at + 4 > packet.length) return false;
    const length = view.getUint16(at + 2);
    if (length < 4 || at + length > packet.length || !soundChunk(view, at, length)) return false;
    at += padded(length);
  }
  return true;
}
