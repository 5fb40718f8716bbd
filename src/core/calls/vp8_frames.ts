/**
 * Frames of VP8 from packets that come late, twice or never.
 *
 * @module
 */
import type { MediaPacket } from "../../ports/peers.ts";
import { isKeyframe, type Size, sizeOf, toPart } from "./vp8.ts";

/** A whole frame. */
export interface Vp8Frame {
  data: Uint8Array;
  key: boolean;
  /** Of the newest key frame. */
  size: Size;
  /** In ticks of 90,000 a second. */
  timestamp: number;
}

/** A jump of the numbers by more than this is a new beginning. */
const MAX_JUMP = 4096;
/** Packets that may have been sent before the first one that comes, as those of a key frame that overtake each other. */
const MAX_EARLY = 64;
/** Packets that are kept behind a missing one. */
const MAX_PACKETS = 1024;
/** For how long a missing packet is waited for while others come, in ticks. */
const PATIENCE = 45_000;
/** A key frame of a screen of four thousand pixels has less. */
const MAX_BYTES = 4 * 1024 * 1024;

interface Kept {
  timestamp: number;
  marker: boolean;
  first: boolean;
  key: boolean;
  data: Uint8Array | undefined;
}

/**
 * Puts frames together. What it gives can be decoded: it begins with a key frame, and after a frame that was lost it
 * goes on with the next key frame.
 */
export class Vp8Frames {
  #kept = new Map<number, Kept>();
  #bytes = 0;
  /** The number of the packet that is next, and of the newest, counted on beyond 65,535. */
  #next: number | undefined;
  #newest = 0;
  #ssrc: number | undefined;
  #size: Size | undefined;

  /** Whether nothing more can be decoded without a key frame. */
  get broken(): boolean {
    return this.#size === undefined;
  }

  /** Packets that wait. */
  get waiting(): number {
    return this.#kept.size;
  }

  /** Takes `packet`; gives the frames that are whole now, in order. */
  push(packet: MediaPacket): Vp8Frame[] {
    const number = this.#place(packet);
    if (number < this.#next! || this.#kept.has(number)) return [];
    this.#newest = Math.max(this.#newest, number);
    const { timestamp, marker } = packet;
    const part = toPart(packet.payload);
    const first = part?.first === true;
    // The peer may use its buffer again.
    const data = part?.data.slice();
    this.#kept.set(number, { timestamp, marker, first, key: first && isKeyframe(data!), data });
    this.#bytes += data?.length ?? 0;
    return this.#take(packet);
  }

  #place({ sequence, ssrc }: MediaPacket): number {
    const ahead = ((sequence - this.#newest + 32_768) & 0xffff) - 32_768;
    if (this.#next === undefined || ssrc !== this.#ssrc || Math.abs(ahead) > MAX_JUMP) {
      this.#forget();
      this.#ssrc = ssrc;
      // Multiples of 65,536 in front leave room for what comes late.
      this.#newest = sequence + 65_536;
      this.#next = this.#newest - MAX_EARLY;
      return this.#newest;
    }
    return this.#newest + ahead;
  }

  #take({ timestamp, marker }: MediaPacket): Vp8Frame[] {
    const frames: Vp8Frame[] = [];
    for (;;) {
      const end = this.#endOf(this.#next!);
      if (end !== undefined) {
        const frame = this.#assemble(this.#next!, end);
        if (frame !== undefined) frames.push(frame);
        continue;
      }
      if (this.#kept.size === 0) return frames;
      const numbers = [...this.#kept.keys()].sort((a, b) => a - b);
      const next = (marker ? this.#wholeKeyIn(numbers) : undefined) ?? this.#afterWaiting(numbers, timestamp);
      if (next === undefined) return frames;
      this.#size = undefined;
      this.#next = next;
      for (const number of numbers) if (number < next) this.#drop(number);
    }
  }

  /** The last packet of what begins at `start`: a frame, or a piece of one or nothing that can be left out. */
  #endOf(start: number): number | undefined {
    const begin = this.#kept.get(start);
    if (begin === undefined) return undefined;
    if (!begin.first) return start;
    const last = this.#lastOf(start);
    // Where another frame follows the marker never came, as the sender gave the frame up: what is there of it is no frame.
    return this.#kept.get(last)!.marker || this.#kept.has(last + 1) ? last : undefined;
  }

  /** The last of the packets behind `start` that are of the same frame. */
  #lastOf(start: number): number {
    const { timestamp } = this.#kept.get(start)!;
    let last = start;
    while (!this.#kept.get(last)!.marker && this.#kept.get(last + 1)?.timestamp === timestamp) last++;
    return last;
  }

  #assemble(start: number, end: number): Vp8Frame | undefined {
    const packets = Array.from({ length: end - start + 1 }, (_, n) => this.#drop(start + n)!);
    this.#next = end + 1;
    const { first, key, timestamp } = packets[0]!;
    const parts = packets.flatMap(({ data }) => data ?? []);
    // Packets without content fill the line's capacity; they are no loss.
    if (parts.length === 0) return undefined;
    if (!first || !packets.at(-1)!.marker) return void (this.#size = undefined);
    const data = join(parts);
    if (key) this.#size = sizeOf(data);
    return this.#size && { data, key, size: this.#size, timestamp };
  }

  /** The first key frame behind what is missing that is whole. */
  #wholeKeyIn(numbers: readonly number[]): number | undefined {
    let last = this.#next!;
    return numbers.find((number) => {
      // What several packets claim to begin has one end.
      if (number <= last || !this.#kept.get(number)!.key) return false;
      last = this.#lastOf(number);
      return this.#kept.get(last)!.marker;
    });
  }

  /** The packet behind the newest gap that was waited for long enough, so that what is on its way keeps its chance. */
  #afterWaiting(numbers: readonly number[], timestamp: number): number | undefined {
    if (numbers.length > MAX_PACKETS || this.#bytes > MAX_BYTES) return this.#newest + 1;
    return numbers.findLast((number, n) => {
      const before = n === 0 ? this.#next! - 1 : numbers[n - 1]!;
      return number - before > 1 && ((timestamp - this.#kept.get(number)!.timestamp) | 0) > PATIENCE;
    });
  }

  #drop(number: number): Kept | undefined {
    const packet = this.#kept.get(number);
    this.#bytes -= packet?.data?.length ?? 0;
    this.#kept.delete(number);
    return packet;
  }

  #forget(): void {
    this.#kept.clear();
    this.#bytes = 0;
    this.#size = undefined;
  }
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
