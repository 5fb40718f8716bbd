/**
 * Sound for a WebSocket of OpenAI's Realtime API: 16-bit samples, 24,000 a second.
 *
 * @module
 */
import { pipe, speech } from "./calls.ts";
import type { RealtimeSocket } from "./realtime_socket.ts";
import { pocketsphinx } from "./speech.ts";

/** Samples a second. */
export const RATE = 24_000;
/** How long a piece is that a client sends. */
const PIECE_MS = 100;

const RAW = ["-ac", "1", "-f", "s16le", "pipe:1"];

/** A sentence, said. */
export async function spoken(sentence: string): Promise<Uint8Array> {
  return await pipe(["ffmpeg", "-v", "error", "-i", "pipe:0", "-ar", String(RATE), ...RAW], await speech(sentence));
}

/** So much silence. */
export function silence(ms: number): Uint8Array {
  return new Uint8Array(ms * RATE / 1000 * 2);
}

/** What is said in samples, by a grammar of sentences. */
export async function understoodIn(pcm: Uint8Array, grammar: string): Promise<string[]> {
  const sixteen = await pipe(
    ["ffmpeg", "-v", "error", "-f", "s16le", "-ar", String(RATE), "-ac", "1", "-i", "pipe:0", "-ar", "16000", ...RAW],
    pcm,
  );
  const lines = new TextDecoder().decode(await pipe(pocketsphinx(grammar), sixteen)).split("\n");
  return lines.map((line) => line.trim()).filter((line) => line !== "");
}

/** Pieces as clients send them, in base64. */
export function* toPieces(pcm: Uint8Array): Generator<string> {
  const size = RATE / 1000 * PIECE_MS * 2;
  for (let at = 0; at < pcm.length; at += size) yield pcm.subarray(at, at + size).toBase64();
}

/** The events that append them. */
export function* toAppends(pcm: Uint8Array): Generator<{ type: string; audio: string }> {
  for (const audio of toPieces(pcm)) yield { type: "input_audio_buffer.append", audio };
}

/** Sends `pieces` as a microphone does: in real time, and at once what is late. */
export async function inRealTime<T>(pieces: Iterable<T>, send: (piece: T) => void): Promise<void> {
  const started = performance.now();
  let sent = 0;
  for (const piece of pieces) {
    send(piece);
    const wait = started + ++sent * PIECE_MS - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

/** Speaks as a microphone does. */
export async function speak(socket: RealtimeSocket, pcm: Uint8Array): Promise<void> {
  await inRealTime(toAppends(pcm), (event) => socket.send(event));
}

/** One after the other. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
