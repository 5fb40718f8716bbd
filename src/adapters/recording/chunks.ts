/**
 * The file in which a recording grows: `MXR1`, the length of a head in JSON, the head, then chunks, which are only ever
 * added. A chunk is a second of one track, or notes; it counts when it is there as a whole, so that a process may die at
 * any byte.
 *
 * Why not WebM from the start: a WebM file names its tracks before the first sound, and its clusters wait for every
 * track. A camera that is turned on later, or off, would hold all sound back in memory.
 *
 * @module
 */
import type { RecordedPiece } from "../../ports/recorder.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const MAGIC = new TextEncoder().encode("MXR1");
/** Bytes before the head. */
export const PREFIX_SIZE = 8;
/** Bytes before a chunk's body. */
export const CHUNK_HEAD_SIZE = 14;
/** The number under which notes stand. */
export const NOTES = 0;

/** What stands at the beginning. */
export interface JournalHead {
  id: string;
  /** The chunks' key, sealed; null: they are not encrypted. */
  key: string | null;
}

/** What stands before a chunk's body. */
export interface ChunkHead {
  length: number;
  track: number;
  first_ms: number;
  last_ms: number;
}

/** The file's beginning. */
export function toHead(head: JournalHead): Bytes {
  const json = new TextEncoder().encode(JSON.stringify(head));
  const bytes = new Uint8Array(PREFIX_SIZE + json.length);
  bytes.set(MAGIC);
  new DataView(bytes.buffer).setUint32(MAGIC.length, json.length);
  bytes.set(json, PREFIX_SIZE);
  return bytes;
}

/** How long the head is; undefined when this is no recording. */
export function headLength(prefix: Bytes): number | undefined {
  if (prefix.length < PREFIX_SIZE || !MAGIC.every((byte, n) => prefix[n] === byte)) return undefined;
  return new DataView(prefix.buffer, prefix.byteOffset).getUint32(MAGIC.length);
}

/** Writes what stands before a body. */
export function toChunkHead({ length, track, first_ms, last_ms }: ChunkHead): Bytes {
  const bytes = new Uint8Array(CHUNK_HEAD_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, length);
  view.setUint16(4, track);
  view.setUint32(6, first_ms);
  view.setUint32(10, last_ms);
  return bytes;
}

/** Reads what stands before a body. */
export function fromChunkHead(bytes: Bytes): ChunkHead {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return {
    length: view.getUint32(0),
    track: view.getUint16(4),
    first_ms: view.getUint32(6),
    last_ms: view.getUint32(10),
  };
}

/** Bytes of a piece beside its data. */
export const PIECE_HEAD_SIZE = 13;

/** Writes pieces one behind the other. */
export function toPieces(pieces: readonly RecordedPiece[]): Bytes {
  const bytes = new Uint8Array(pieces.reduce((sum, { data }) => sum + PIECE_HEAD_SIZE + data.length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const { data, time_ms, key, size } of pieces) {
    view.setUint32(at, time_ms);
    view.setUint8(at + 4, key ? 1 : 0);
    view.setUint16(at + 5, size?.width ?? 0);
    view.setUint16(at + 7, size?.height ?? 0);
    view.setUint32(at + 9, data.length);
    bytes.set(data, at + PIECE_HEAD_SIZE);
    at += PIECE_HEAD_SIZE + data.length;
  }
  return bytes;
}

/** Reads what {@linkcode toPieces} wrote. */
export function* fromPieces(bytes: Bytes): Generator<RecordedPiece> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length;) {
    const [width, height] = [view.getUint16(at + 5), view.getUint16(at + 7)];
    const start = at + PIECE_HEAD_SIZE;
    const end = start + view.getUint32(at + 9);
    yield {
      time_ms: view.getUint32(at),
      key: view.getUint8(at + 4) === 1,
      ...width > 0 && { size: { width, height } },
      data: bytes.subarray(start, end),
    };
    at = end;
  }
}
