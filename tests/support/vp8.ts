/**
 * Real VP8, made by ffmpeg, as frames and as packets.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { isKeyframe } from "../../src/core/calls/vp8.ts";
import type { MediaPacket } from "../../src/ports/peers.ts";
import type { Random } from "./random.ts";

/** Runs ffmpeg; gives what it wrote. It must have nothing to complain of. */
export async function ffmpeg(args: readonly string[], input?: Uint8Array): Promise<Uint8Array> {
  const child = new Deno.Command("ffmpeg", {
    args: ["-nostdin", "-v", "warning", ...args],
    stdin: input === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = child.output();
  if (input !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(input).then(() => writer.close()).catch(() => {});
  }
  const { code, stdout, stderr } = await output;
  assert.deepEqual([code, new TextDecoder().decode(stderr)], [0, ""]);
  return stdout;
}

/** A moving picture of 25 frames a second, a key frame each second. */
export async function makeVp8(seconds: number, { size = "320x240", bits = "300k" } = {}): Promise<Uint8Array[]> {
  const ivf = await ffmpeg([
    ...["-f", "lavfi", "-i", `testsrc=size=${size}:rate=25:duration=${seconds}`],
    ...["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", bits, "-g", "25", "-f", "ivf", "-"],
  ]);
  const view = new DataView(ivf.buffer, ivf.byteOffset, ivf.byteLength);
  const frames: Uint8Array[] = [];
  for (let at = view.getUint16(6, true); at + 12 <= ivf.length;) {
    const length = view.getUint32(at, true);
    frames.push(ivf.subarray(at + 12, at + 12 + length));
    at += 12 + length;
  }
  return frames;
}

/** Options of {@linkcode toPackets}. */
export interface PacketOptions {
  mid?: string;
  /** The first number and time. */
  sequence?: number;
  timestamp?: number;
  /** Bytes of a frame in a packet at most. */
  size?: number;
}

/** The packets of each frame, as browsers make them: with a picture's number of 15 bits. */
export function toPackets(frames: readonly Uint8Array[], options: PacketOptions = {}): MediaPacket[][] {
  const { mid = "1", size = 1100, timestamp = 0 } = options;
  let sequence = options.sequence ?? 0;
  return frames.map((frame, n) => {
    const count = Math.ceil(frame.length / size);
    return Array.from({ length: count }, (_, part): MediaPacket => {
      const descriptor = [part === 0 ? 0x90 : 0x80, 0x80, 0x80 | n >> 8 & 0x7f, n & 0xff];
      const payload = new Uint8Array([...descriptor, ...frame.subarray(part * size, (part + 1) * size)]);
      const marker = part === count - 1;
      return {
        mid,
        kind: "video",
        payload,
        sequence: sequence++ & 0xffff,
        timestamp: (timestamp + n * 3600) >>> 0,
        marker,
      };
    });
  });
}

/** Each twentieth is lost, each takes its own time, and each twentieth comes twice; in the order of coming. */
export class RoughWay {
  readonly #random: Random;
  readonly #sent: { at: number; packet: MediaPacket }[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  /** Sends `packet` at a time in milliseconds. */
  send(at: number, packet: MediaPacket): void {
    if (this.#random.chance(0.05)) return;
    this.#sent.push({ at: at + this.#random.whole(0, 80), packet });
    if (this.#random.chance(0.05)) this.#sent.push({ at: at + this.#random.whole(0, 150), packet });
  }

  /** What comes, and when. */
  get coming(): { at: number; packet: MediaPacket }[] {
    return this.#sent.toSorted((a, b) => a.at - b.at);
  }
}

/** How many of `frames`, whose packets are `groups`, can be decoded when only those of `there` come. */
export function decodable(
  frames: readonly Uint8Array[],
  groups: readonly MediaPacket[][],
  there: ReadonlySet<MediaPacket>,
): number {
  let sound = false;
  return frames.filter((frame, n) => {
    sound = (sound || isKeyframe(frame)) && groups[n]!.every((packet) => there.has(packet));
    return sound;
  }).length;
}
