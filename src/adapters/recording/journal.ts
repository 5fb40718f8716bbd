/**
 * A recording that is being made: what comes is gathered, and written each second.
 *
 * @module
 */
import type { RecordedCue, RecordedTrack } from "../../domain/rtc_recording.ts";
import type { Clock } from "../../kit/clock.ts";
import type { Log } from "../../kit/log.ts";
import type { RawRecording, RecordedPiece, Recording, RecordingEnd, RecordingOptions } from "../../ports/recorder.ts";
import { NOTES, PIECE_HEAD_SIZE, toPieces } from "./chunks.ts";
import type { Chunk, JournalFile } from "./journal_file.ts";
import type { Note } from "./journal_reader.ts";

/** How much of a track makes a chunk. */
const CHUNK_MS = 1000;
const CHUNK_BYTES = 512 * 1024;
/** Bytes that may wait for a slow disk. */
const MAX_WAITING = 8 * 1024 * 1024;
/** Tracks of a file: numbers beyond this need another way of writing. */
const MAX_TRACKS = 100;
/** What something that was said takes beside its text, roughly. */
const CUE_BYTES = 100;

/** A full disk, a file that may not grow, a quota: not each of them has a code of its own in Deno. */
const FULL = /\(os error (27|28|122)\)$/;

/** What a {@linkcode Journal} needs. */
export interface JournalDeps extends RecordingOptions {
  id: string;
  file: JournalFile;
  clock: Clock;
  log: Log;
  /** What was written, once the file is closed. */
  read(): Promise<RawRecording>;
}

interface Lane {
  number: number;
  pieces: RecordedPiece[];
  bytes: number;
  /** A frame was lost: those that follow mean nothing until a whole picture comes. */
  broken: boolean;
}

/** Gathers pieces and writes them as chunks. */
export class Journal implements Recording {
  readonly #deps: JournalDeps;
  #lanes = new Map<string, Lane>();
  #notes: Note[] = [];
  #noteBytes = 0;
  #bytes = 0;
  #waiting = 0;
  #dropped = 0;
  #timer: Disposable | undefined;
  #writing: Promise<void> = Promise.resolve();
  #over = false;
  #failed = false;

  constructor(deps: JournalDeps) {
    this.#deps = deps;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get dropped(): number {
    return this.#dropped;
  }

  get waiting(): number {
    return this.#waiting;
  }

  write(track: RecordedTrack, { data, time_ms, key, size }: RecordedPiece): boolean {
    if (this.#over) return false;
    const lane = this.#laneOf(track);
    const cost = data.length + PIECE_HEAD_SIZE;
    const lost = lane === undefined || this.#waiting + cost > MAX_WAITING || (lane.broken && !key);
    if (lost) {
      this.#dropped++;
      if (lane !== undefined) lane.broken = track.kind === "video";
      return false;
    }
    if (!this.#mayGrow(cost, time_ms)) return false;
    lane.broken = false;
    // Whoever gives it may use its memory again.
    lane.pieces.push({ data: data.slice(), time_ms: Math.max(0, Math.round(time_ms)), key, ...size && { size } });
    lane.bytes += cost;
    if (time_ms - lane.pieces[0]!.time_ms >= CHUNK_MS || lane.bytes >= CHUNK_BYTES) this.#flush();
    else this.#wait();
    return true;
  }

  cue(cue: RecordedCue): void {
    const cost = cue.text.length * 2 + CUE_BYTES;
    if (this.#over || this.#waiting + cost > MAX_WAITING || !this.#mayGrow(cost, cue.start_ms)) return;
    this.#note({ cue }, cost);
  }

  async finish(): Promise<RawRecording> {
    if (!this.#over) this.#flush();
    this.#over = true;
    this.#timer?.[Symbol.dispose]();
    await this.#writing;
    this.#deps.file.close();
    return await this.#deps.read();
  }

  #laneOf(track: RecordedTrack): Lane | undefined {
    const { name } = track;
    let lane = this.#lanes.get(name);
    if (lane === undefined && this.#lanes.size < MAX_TRACKS) {
      lane = { number: this.#lanes.size + 1, pieces: [], bytes: 0, broken: track.kind === "video" };
      this.#lanes.set(name, lane);
      this.#waiting += CUE_BYTES;
      this.#note({ number: lane.number, track: { kind: track.kind, name } }, CUE_BYTES);
    }
    return lane;
  }

  #note(note: Note, cost: number): void {
    this.#notes.push(note);
    this.#noteBytes += cost;
    this.#wait();
  }

  #mayGrow(cost: number, time_ms: number): boolean {
    const { max_bytes, max_seconds } = this.#deps;
    if (this.#bytes + cost > max_bytes) this.#end("too_large");
    else if (time_ms > max_seconds * 1000) this.#end("too_long");
    else {
      this.#bytes += cost;
      this.#waiting += cost;
    }
    return !this.#over;
  }

  #wait(): void {
    this.#timer ??= this.#deps.clock.after(CHUNK_MS, () => this.#flush());
  }

  #flush(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    const chunks: Chunk[] = [];
    let cost = this.#noteBytes;
    // Tracks are named before what is in them.
    if (this.#notes.length > 0) {
      const body = new TextEncoder().encode(JSON.stringify(this.#notes));
      chunks.push({ track: NOTES, first_ms: 0, last_ms: 0, body });
      this.#notes = [];
      this.#noteBytes = 0;
    }
    for (const lane of this.#lanes.values()) {
      const { number, pieces } = lane;
      if (pieces.length === 0) continue;
      const [first_ms, last_ms] = [pieces[0]!.time_ms, pieces.at(-1)!.time_ms];
      chunks.push({ track: number, first_ms, last_ms, body: toPieces(pieces) });
      cost += lane.bytes;
      lane.pieces = [];
      lane.bytes = 0;
    }
    this.#writing = this.#writing.then(() => this.#add(chunks)).finally(() => this.#waiting -= cost);
  }

  async #add(chunks: readonly Chunk[]): Promise<void> {
    if (this.#failed) return;
    try {
      await this.#deps.file.add(chunks);
    } catch (error) {
      this.#failed = true;
      const full = FULL.test((error as Error).message);
      this.#deps.log.warn("A recording can't be written", { recording_id: this.#deps.id, error });
      this.#end(full ? "disk_full" : "failed");
    }
  }

  #end(reason: RecordingEnd): void {
    if (this.#over) return;
    if (!this.#failed) this.#flush();
    this.#over = true;
    this.#timer?.[Symbol.dispose]();
    this.#deps.onEnd(reason);
  }
}
