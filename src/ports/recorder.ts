/**
 * Keeping what was said and shown in a file.
 *
 * @module
 */

import type { RecordedCue, RecordedTrack } from "../domain/rtc_recording.ts";

/** A piece of a track: a packet of Opus, or a frame of VP8. */
export interface RecordedPiece {
  data: Uint8Array;
  /** Since the recording began. Doesn't go back within a track. */
  time_ms: number;
  /** Whether it can be decoded without those before it. */
  key: boolean;
  /** Of a key frame, in pixels. */
  size?: { width: number; height: number };
}

/** Why a recording takes nothing more. */
export type RecordingEnd = "too_large" | "too_long" | "disk_full" | "failed";

/** Options for {@linkcode Recorder.open}. */
export interface RecordingOptions {
  /** Whether whoever finds what is written can't read it. */
  sealed: boolean;
  max_bytes: number;
  max_seconds: number;
  /** It has ended by itself; what was written until then is whole. Called at most once, never by `finish`. */
  onEnd(reason: RecordingEnd): void;
}

/** A recording that is being made. Every piece written until a second ago survives the death of the process. */
export interface Recording {
  readonly bytes: number;
  /** Pieces that were lost because the disk is too slow. */
  readonly dropped: number;
  /** Bytes that wait for the disk. */
  readonly waiting: number;
  /** Takes a piece, without waiting. False when it is lost. A track is known from its first piece on. */
  write(track: RecordedTrack, piece: RecordedPiece): boolean;
  cue(cue: RecordedCue): void;
  /** Writes what waits, and ends. */
  finish(): Promise<RawRecording>;
}

/** What was recorded, as it was written. */
export interface RawRecording {
  duration_ms: number;
  tracks: readonly RecordedTrack[];
  cues: readonly RecordedCue[];
  /** As a WebM file: the tracks side by side, none with a hole. Can be asked for again. */
  toWebm(): AsyncIterable<Uint8Array>;
  /** Removes it. */
  discard(): Promise<void>;
}

/** Makes recordings. */
export interface Recorder {
  /** Begins one. Rejects with `UnavailableError` when the disk can't be written. */
  open(id: string, options: RecordingOptions): Promise<Recording>;
  /** Ids of what is there, also of what a process left that has died. */
  list(): AsyncIterable<string>;
  /** Removes what is there of one that nobody writes any more. Nothing is as good. */
  discard(id: string): Promise<void>;
  /** What is there of one that nobody writes any more, up to the last whole second; undefined when there is nothing. */
  recover(id: string): Promise<RawRecording | undefined>;
}
