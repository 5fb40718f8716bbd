/**
 * Reading back what a recording's file holds, also one that was torn off.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { RecordedCue, RecordedTrack } from "../../domain/rtc_recording.ts";
import type { RecordedPiece } from "../../ports/recorder.ts";
import type { Sealer } from "../../ports/sealer.ts";
import { ChunkSeal } from "./chunk_seal.ts";
import {
  CHUNK_HEAD_SIZE,
  type ChunkHead,
  fromChunkHead,
  fromPieces,
  headLength,
  type JournalHead,
  NOTES,
  PREFIX_SIZE,
} from "./chunks.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A head of more than this is none. */
const MAX_HEAD = 65_536;

/** What notes say: a track that begins, or something said. */
export type Note = { number: number; track: RecordedTrack } | { cue: RecordedCue };

interface Place {
  at: number;
  number: number;
  head: Bytes;
  length: number;
}

interface Lane {
  track: RecordedTrack;
  places: Place[];
}

/** What a recording's file holds. */
export class JournalReader {
  readonly #path: string;
  readonly #seal: ChunkSeal | undefined;
  #lanes = new Map<number, Lane>();
  /** In the order in which it was said. */
  readonly cues: RecordedCue[] = [];
  #last_ms = 0;

  private constructor(path: string, seal: ChunkSeal | undefined) {
    this.#path = path;
    this.#seal = seal;
  }

  /** Opens `path`; undefined when it holds no recording. Rejects with `ConfigurationError` when the key is another. */
  static async open(path: string, sealer: Sealer): Promise<JournalReader | undefined> {
    using file = await Deno.open(path);
    const size = headLength(await readAt(file, 0, PREFIX_SIZE));
    const text = size === undefined || size > MAX_HEAD ? new Uint8Array() : await readAt(file, PREFIX_SIZE, size);
    if (size === undefined || text.length < size || size === 0) return undefined;
    const { id, key } = JSON.parse(new TextDecoder().decode(text)) as JournalHead;
    const seal = key === null ? undefined : await ChunkSeal.open(sealer, key);
    if (key !== null && seal === undefined) {
      throw new AppError("ConfigurationError", `Cannot read recording "${id}": it was sealed with another key`);
    }
    const reader = new JournalReader(path, seal);
    await reader.#scan(file, PREFIX_SIZE + size);
    return reader;
  }

  /** Where the last second of it begins. */
  get last_ms(): number {
    return this.#last_ms;
  }

  /** Tracks of which there is something. */
  get lanes(): { track: RecordedTrack; pieces(): AsyncGenerator<RecordedPiece> }[] {
    return [...this.#lanes.values()].filter(({ places }) => places.length > 0)
      .map(({ track, places }) => ({ track, pieces: () => this.#read(places) }));
  }

  async #scan(file: Deno.FsFile, start: number): Promise<void> {
    const { size } = await file.stat();
    for (let at = start, number = 0;; number++) {
      const head = await readAt(file, at, CHUNK_HEAD_SIZE);
      if (head.length < CHUNK_HEAD_SIZE) return;
      const chunk = fromChunkHead(head);
      const place = { at: at + CHUNK_HEAD_SIZE, number, head, length: chunk.length };
      at = place.at + place.length;
      // Behind the last whole chunk is what the process was writing when it died.
      if (chunk.length === 0 || at > size) return;
      if (chunk.track === NOTES) this.#note(await this.#body(file, place));
      else this.#place(chunk, place);
    }
  }

  #note(body: Bytes): void {
    for (const note of JSON.parse(new TextDecoder().decode(body)) as Note[]) {
      if ("cue" in note) this.cues.push(note.cue);
      else this.#lanes.set(note.number, { track: note.track, places: [] });
    }
  }

  #place({ track, last_ms }: ChunkHead, place: Place): void {
    this.#lanes.get(track)?.places.push(place);
    this.#last_ms = Math.max(this.#last_ms, last_ms);
  }

  async *#read(places: readonly Place[]): AsyncGenerator<RecordedPiece> {
    using file = await Deno.open(this.#path);
    for (const place of places) yield* fromPieces(await this.#body(file, place));
  }

  async #body(file: Deno.FsFile, { at, number, head, length }: Place): Promise<Bytes> {
    const body = await readAt(file, at, length);
    return await this.#seal?.unseal(body, { number, head }) ?? body;
  }
}

/** Reads `size` bytes from `at` on, fewer only where the file ends. */
async function readAt(file: Deno.FsFile, at: number, size: number): Promise<Bytes> {
  await file.seek(at, Deno.SeekMode.Start);
  const bytes = new Uint8Array(size);
  let filled = 0;
  while (filled < size) {
    const read = await file.read(bytes.subarray(filled));
    if (read === null) break;
    filled += read;
  }
  return bytes.subarray(0, filled);
}
