/**
 * Recordings, made in this process or in one that is killed: this file is both the program and what starts it.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createSealer } from "../../src/adapters/files/sealer.ts";
import { createOpusCodec } from "../../src/adapters/opus/codec.ts";
import { createRecorder } from "../../src/adapters/recording/recorder.ts";
import { isKeyframe, sizeOf } from "../../src/core/calls/vp8.ts";
import type { RecordedTrack } from "../../src/domain/rtc_recording.ts";
import { systemClock } from "../../src/kit/clock.ts";
import { createLog } from "../../src/kit/log.ts";
import type { RawRecording, Recorder, Recording, RecordingOptions } from "../../src/ports/recorder.ts";
import { makeVp8 } from "./vp8.ts";

export const CALLER: RecordedTrack = { kind: "audio", name: "caller" };
export const AGENT: RecordedTrack = { kind: "audio", name: "agent" };
export const CAMERA: RecordedTrack = { kind: "video", name: "camera" };

/** A recorder of `dir`, with a sealer whose key is in it. */
export function openRecorder(dir: string): Recorder {
  const log = createLog({ level: "error", format: "text", write: () => {} });
  return createRecorder({ dir, sealer: createSealer({ file: join(dir, "key") }), clock: systemClock, log });
}

/** Begins a recording without limits, of which some may be given. */
export function begin(recorder: Recorder, id: string, options: Partial<RecordingOptions> = {}): Promise<Recording> {
  const onEnd = (reason: string) => assert.fail(`It ended by itself: ${reason}`);
  return recorder.open(id, { sealed: false, max_bytes: 1e9, max_seconds: 1e6, onEnd, ...options });
}

/** Packets of Opus, 20 ms each, of one tone. */
export async function tone(count: number, hertz: number): Promise<Uint8Array[]> {
  using encoder = await createOpusCodec().createEncoder({ rate: 48_000, bitrate: 32_000 });
  return Array.from({ length: count }, (_, packet) => {
    const frame = Int16Array.from(
      { length: 960 },
      (_, n) => 8000 * Math.sin((packet * 960 + n) * hertz * Math.PI / 24_000),
    );
    return encoder.encode(frame).slice();
  });
}

/** Writes frames of 25 a second, from `start_ms` on. */
export function writeVideo(recording: Recording, frames: readonly Uint8Array[], start_ms: number): void {
  frames.forEach((data, n) => {
    const size = sizeOf(data);
    recording.write(CAMERA, { data, key: isKeyframe(data), time_ms: start_ms + n * 40, ...size && { size } });
  });
}

/** Writes packets of sound from `start_ms` on. */
export function writeAudio(
  recording: Recording,
  packets: readonly Uint8Array[],
  { track, start_ms = 0 }: { track: RecordedTrack; start_ms?: number },
): void {
  packets.forEach((data, n) => recording.write(track, { data, key: true, time_ms: start_ms + n * 20 }));
}

/** The file's bytes. */
export async function collect(raw: RawRecording): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await new Blob(await Array.fromAsync(raw.toWebm()) as BlobPart[]).arrayBuffer());
}

/** A process that records for ever, faster than the clock goes, and prints how many milliseconds it has. */
export interface RecordingProcess {
  /** Resolves when so many milliseconds are recorded. */
  recorded(ms: number): Promise<void>;
  kill(): Promise<void>;
  /** Everything it printed, when it has ended. */
  rest(): Promise<string>;
}

/** Starts it. `shell` is what `sh` runs before. */
export function startRecording(
  args: { dir: string; id: string; sealed?: boolean; shell?: string },
): RecordingProcess {
  const run = [Deno.execPath(), "run", "--quiet", "-A", fileURLToPath(import.meta.url), args.dir, args.id];
  if (args.sealed) run.push("sealed");
  const [program, ...rest] = args.shell === undefined ? run : ["sh", "-c", `${args.shell}; exec "$@"`, "sh", ...run];
  const child = new Deno.Command(program!, { args: rest, stdout: "piped", stderr: "inherit", stdin: "null" }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const more = async () => {
    const { value, done } = await reader.read();
    text += value ?? "";
    return !done;
  };
  return {
    async recorded(ms) {
      while (Number(text.trimEnd().split("\n").at(-1)) < ms || text === "") assert.ok(await more(), text);
    },
    async kill() {
      Deno.kill(child.pid, "SIGKILL");
      await child.status;
      await reader.cancel();
    },
    async rest() {
      while (await more());
      await child.status;
      return text;
    },
  };
}

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

/** Bytes that wait for the disk: about what two seconds have. */
const MAX_WAITING = 100_000;

if (import.meta.main) {
  const [dir, id, sealed] = Deno.args;
  const ended = Promise.withResolvers<string>();
  const recorder = openRecorder(dir!);
  const recording = await begin(recorder, id!, { sealed: sealed === "sealed", onEnd: ended.resolve });
  const [sound, answer, frames] = [await tone(500, 440), await tone(500, 660), await makeVp8(10)];
  let over = false;
  ended.promise.then(() => over = true);
  for (let ms = 0; !over; ms += 20) {
    const n = ms / 20;
    recording.write(CALLER, { data: sound[n % 500]!, key: true, time_ms: ms });
    recording.write(AGENT, { data: answer[n % 500]!, key: true, time_ms: ms });
    if (n % 2 === 0) writeVideo(recording, [frames[n / 2 % 250]!], ms);
    if (n % 100 === 0) {
      recording.cue({ speaker: "caller", text: `Second ${ms / 1000}`, start_ms: ms, end_ms: ms + 1000 });
    }
    if (n % 25 === 0) {
      // What is told is on the disk, but for a second or two.
      do await new Promise((resolve) => setTimeout(resolve, 2)); while (!over && recording.waiting > MAX_WAITING);
      say(String(ms));
    }
  }
  const { duration_ms } = await recording.finish();
  say(JSON.stringify({ reason: await ended.promise, duration_ms }));
}
