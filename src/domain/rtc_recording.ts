/**
 * A recording of a call, or of a room.
 *
 * @module
 */
import { z } from "zod";
import type { Owner } from "./access.ts";

/** A recording's id. */
export const RtcRecordingId = z.string().regex(/^rec_[0-9a-z]+$/).describe("The recording's id");

/**
 * Where a recording can be. `finishing`: it takes nothing more and is made into a file. One that ended as it should is
 * `ready` also where nothing came: it has no tracks then, and no file.
 */
export const RTC_RECORDING_STATE = ["recording", "finishing", "ready", "failed"] as const;
/** One of {@linkcode RTC_RECORDING_STATE}. */
export type RtcRecordingState = typeof RTC_RECORDING_STATE[number];

/** Why a recording ended. */
export const RTC_RECORDING_END = [
  "stopped",
  "call_ended",
  "too_long",
  "too_large",
  "disk_full",
  "failed",
  "deleted",
  "shutdown",
  "process_ended",
] as const;
/** One of {@linkcode RTC_RECORDING_END}. */
export type RtcRecordingEnd = typeof RTC_RECORDING_END[number];

/** A track of a recording. */
export const RecordedTrack = z.object({
  kind: z.enum(["audio", "video"]),
  /** Whose it is, such as `caller`. One name, one track. */
  name: z.string(),
}).meta({ id: "RecordedTrack" });
/** See {@linkcode RecordedTrack}. */
export type RecordedTrack = z.infer<typeof RecordedTrack>;

/** Something that was said, as text. Times are milliseconds since the recording began. */
export interface RecordedCue {
  speaker: string;
  text: string;
  start_ms: number;
  end_ms: number;
}

/** A recording as shown. */
export const RtcRecording = z.object({
  id: z.string(),
  /** The call; null: it is of a room. */
  session_id: z.string().nullable(),
  room_id: z.string().nullable(),
  user_id: z.string().nullable(),
  state: z.enum(RTC_RECORDING_STATE),
  reason: z.enum(RTC_RECORDING_END).nullable(),
  tracks: z.array(RecordedTrack),
  duration_ms: z.number().int().nullable(),
  /** Bytes of the file; 0: no sound or picture came, and there is none. */
  size: z.number().int().nullable(),
  /** Whether it is encrypted where it is kept. */
  sealed: z.boolean(),
  /** Packets and frames that were lost because the disk was too slow. */
  dropped: z.number().int(),
  /** When its first sound or picture came; until then, when it was begun. */
  started_at: z.string(),
  ended_at: z.string().nullable(),
  /** When it is removed; null: never. */
  expires_at: z.string().nullable(),
}).meta({ id: "RtcRecording" });
/** See {@linkcode RtcRecording}. */
export type RtcRecording = z.infer<typeof RtcRecording>;

/** A recording as stored. Its file is in the blob store under `id`. */
export interface RtcRecordingRow extends Owner, RtcRecording {
  transcript: RecordedCue[];
}

/** Words of less than this were written, not spoken. */
const SPOKEN_MS = 150;
/** How long a character takes to be read. */
const READ_MS = 50;

/** A transcript as WebVTT, for a `<track>` beside the recording. */
export function toWebVtt(cues: readonly RecordedCue[]): string {
  const lines = cues.toSorted((a, b) => a.start_ms - b.start_ms).map(({ speaker, text, start_ms, end_ms }) => {
    // What was written took no time, and is shown for as long as it is read.
    const end = end_ms - start_ms < SPOKEN_MS ? start_ms + Math.min(7000, 1000 + text.length * READ_MS) : end_ms;
    return `${toClock(start_ms)} --> ${toClock(end)}\n<v ${escape(speaker)}>${escape(text)}\n`;
  });
  return ["WEBVTT\n", ...lines].join("\n");
}

function toClock(ms: number): string {
  const pad = (number: number, size = 2) => String(Math.floor(number)).padStart(size, "0");
  return `${pad(ms / 3_600_000)}:${pad(ms / 60_000 % 60)}:${pad(ms / 1000 % 60)}.${pad(ms % 1000, 3)}`;
}

/** An empty line would end the cue. */
function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll(/\s+/g, " ").trim();
}
