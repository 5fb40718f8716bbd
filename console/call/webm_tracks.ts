/**
 * A WebM file as several: browsers play but one track of sound of a file, and a recording has one for every speaker.
 *
 * @module
 */

/** What a track is. */
type Kind = "audio" | "video";

/** A file of which a browser plays everything. */
export interface PlayableFile {
  /** Whether there is something to be seen in it. */
  kind: Kind;
  file: Blob;
}

const SEGMENT = 0x18538067;
const TRACKS = 0x1654ae6b;
const CLUSTER = 0x1f43b675;
const TRACK_ENTRY = 0xae;
const TRACK_NUMBER = 0xd7;
const TRACK_TYPE = 0x83;
const SIMPLE_BLOCK = 0xa3;
const BLOCK_GROUP = 0xa0;
const BLOCK = 0xa1;
/** What players pass over. */
const VOID = 0xec;
const KINDS: Readonly<Record<number, Kind>> = { 1: "video", 2: "audio" };
const INSIDE: readonly number[] = [SEGMENT, TRACKS, CLUSTER];

/** A part of the file that belongs to one track. */
interface Part {
  at: number;
  id: number;
  track: number;
}

interface Element {
  id: number;
  at: number;
  start: number;
  end: number;
}

/**
 * What is in `buffer`: its first picture and sound, then every further track. Each file is as long as it, so that what it
 * says of places in itself stays true.
 */
export function splitTracks(buffer: ArrayBuffer): PlayableFile[] {
  const bytes = new Uint8Array(buffer);
  const parts: Part[] = [];
  const kinds = new Map<number, Kind>();
  read(bytes, { start: 0, end: bytes.length }, { parts, kinds });
  const numbers = [...kinds.keys()];
  const first = (["video", "audio"] as const).flatMap((kind) => numbers.find((one) => kinds.get(one) === kind) ?? []);
  const rest = numbers.filter((number) => !first.includes(number));
  return [first, ...rest.map((number) => [number])].map((kept) => {
    for (const { at, id, track } of parts) bytes[at] = kept.includes(track) ? id : VOID;
    return { kind: kinds.get(kept[0]!) ?? "audio", file: new Blob([bytes], { type: "video/webm" }) };
  });
}

function read(
  bytes: Uint8Array,
  { start, end }: { start: number; end: number },
  found: { parts: Part[]; kinds: Map<number, Kind> },
): void {
  for (const one of elements(bytes, start, end)) {
    const { id, at } = one;
    if (INSIDE.includes(id)) read(bytes, one, found);
    else if (id === SIMPLE_BLOCK) found.parts.push({ at, id, track: numberAt(bytes, one.start).value });
    else if (id === BLOCK_GROUP) {
      const block = elements(bytes, one.start, one.end).find((inner) => inner.id === BLOCK);
      if (block) found.parts.push({ at, id, track: numberAt(bytes, block.start).value });
    } else if (id === TRACK_ENTRY) {
      const fields = new Map(elements(bytes, one.start, one.end).map((inner) => [inner.id, bytes[inner.end - 1]!]));
      const track = fields.get(TRACK_NUMBER)!;
      const kind = KINDS[fields.get(TRACK_TYPE)!];
      found.parts.push({ at, id, track });
      if (kind) found.kinds.set(track, kind);
    }
  }
}

/** What is between two places. */
function elements(bytes: Uint8Array, start: number, end: number): Element[] {
  const list: Element[] = [];
  for (let at = start; at < end;) {
    const id = numberAt(bytes, at, { marked: true });
    const size = numberAt(bytes, at + id.length);
    const inside = at + id.length + size.length;
    const next = Math.min(inside + size.value, end);
    list.push({ id: id.value, at, start: inside, end: next });
    at = next;
  }
  return list;
}

/** A number whose first byte says how long it is: by how many bits there are before its highest. */
function numberAt(bytes: Uint8Array, at: number, { marked = false } = {}): { value: number; length: number } {
  const first = bytes[at] ?? 0;
  const length = Math.min(Math.clz32(first) - 23, 8);
  let value = marked ? first : first & (0xff >> length);
  for (let n = 1; n < length; n++) value = value * 256 + (bytes[at + n] ?? 0);
  return { value, length };
}
