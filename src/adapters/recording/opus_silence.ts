/**
 * Sound without holes: where nothing came, silence is put in.
 *
 * @module
 */
import type { RecordedPiece } from "../../ports/recorder.ts";

/** 20 ms of silence: the whole band, one channel, no content (RFC 6716, section 3.1). */
const SILENCE = new Uint8Array([0xf8, 0xff, 0xfe]);
const SILENCE_MS = 20;
/** What is this short has no sound in it: the sender saves (DTX). Not every reader of files takes it. */
const SAVED = 2;
/** Milliseconds of a frame by configuration: speech, hybrid, music. */
const FRAMES = { speech: [10, 20, 40, 60], hybrid: [10, 20], music: [2.5, 5, 10, 20] } as const;

/** How long a packet of Opus sounds (RFC 6716, section 3.1). */
export function opusDuration(packet: Uint8Array): number {
  const [head = 0, counted = 0] = packet;
  const configuration = head >> 3;
  const frame = configuration < 12
    ? FRAMES.speech[configuration & 3]!
    : configuration < 16
    ? FRAMES.hybrid[configuration & 1]!
    : FRAMES.music[configuration & 3]!;
  const code = head & 3;
  return frame * (code === 0 ? 1 : code === 3 ? counted & 0x3f : 2);
}

/** A piece of sound, and how long it lasts. */
export interface Sound extends RecordedPiece {
  duration_ms: number;
}

/** Yields `pieces`, with silence in between, before and behind, until `end_ms`. */
export async function* withSilence(pieces: AsyncIterable<RecordedPiece>, end_ms: number): AsyncGenerator<Sound> {
  let end = 0;
  const silence = (): Sound => {
    const sound = { data: SILENCE, time_ms: end, key: true, duration_ms: SILENCE_MS };
    end += SILENCE_MS;
    return sound;
  };
  for await (const piece of pieces) {
    if (piece.data.length <= SAVED) continue;
    const duration_ms = opusDuration(piece.data);
    while (piece.time_ms - end >= SILENCE_MS) yield silence();
    // What lies wholly in the past was said while something else was.
    if (duration_ms === 0 || piece.time_ms + duration_ms <= end) continue;
    const time_ms = Math.max(piece.time_ms, end);
    yield { ...piece, time_ms, key: true, duration_ms };
    end = time_ms + duration_ms;
  }
  while (end + SILENCE_MS <= end_ms) yield silence();
}
