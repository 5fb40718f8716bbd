/**
 * Media passed on as it came: packets of one source go into a section of other peers, never decoded nor encoded.
 *
 * A {@linkcode MediaSource} is what somebody sends: a microphone, a camera, a screen, or the agent's voice. Whoever has
 * the packets (a tap of the call, see `call_tap.ts`) gives each to `push`. A {@linkcode Forwarding} is one section of one
 * receiver; it follows one source at a time, or none. The rules:
 *
 * - Sequence numbers and timestamps go on without a break when the source changes. Within a source gaps stay gaps, so
 *   that the receiver asks for what was lost (its peer has the newest packets and sends them again), and packets in the
 *   wrong order stay so.
 * - Pictures begin with a key frame: until one comes, nothing is sent, and the source is asked for one.
 * - A source is asked for key frames as often as receivers want, but at most once in {@linkcode KEYFRAME_MS}; what is
 *   asked in between is asked once that time is over.
 * - A packet's bytes may be the peer's own buffer: they are sent at once, and not kept.
 *
 * @example A viewer of a call's camera
 * const source = new MediaSource({ kind: "video", clock, requestKeyframe: () => call.requestKeyframe(mid) });
 * const shown = new Forwarding({ clock, send: (packet) => viewer.sendVideo(packet) });
 * shown.follow(source);
 * call.tap({ onPacket: (direction, packet) => direction === "in" && packet.mid === mid && source.push(packet) });
 * // Where the viewer's peer says onKeyframeAsked: shown.requestKeyframe(). At the end: shown.follow(undefined).
 *
 * @module
 */
import type { Clock } from "../../kit/clock.ts";
import type { MediaPacket, OutgoingPacket } from "../../ports/peers.ts";
import { PictureNumbers } from "./picture_numbers.ts";
import { isKeyframe, toPart } from "./vp8.ts";

/** How often a source is asked for a key frame at most. */
export const KEYFRAME_MS = 500;
/** Ticks of a clock in a millisecond, and of the shortest step from one source to the next. */
const CLOCK = { audio: { ticks: 48, step: 960 }, video: { ticks: 90, step: 1 } } as const;
/** A jump of the numbers by more than this is a new beginning. */
const MAX_JUMP = 4096;
/** How far time may be off in what comes without numbers, as it is made, before that is a new beginning. */
const MAX_OFF_MS = 1000;

/** Options for {@linkcode MediaSource}. */
export interface MediaSourceOptions {
  kind: "audio" | "video";
  clock: Clock;
  /** Asks whoever sends for a key frame; of no use for sound. */
  requestKeyframe?(): void;
}

/** What somebody sends. */
export class MediaSource {
  readonly kind: "audio" | "video";
  readonly #options: MediaSourceOptions;
  readonly #followers = new Set<Forwarding>();
  #asked = -Infinity;
  #wanted = false;
  #ssrc: number | undefined;
  #count = 0;
  #stamped = { timestamp: 0, at: 0 };

  constructor(options: MediaSourceOptions) {
    this.kind = options.kind;
    this.#options = options;
  }

  /** A packet came. One without a number follows the one before it, or is of another voice with a clock of its own. */
  push({ ssrc, ...packet }: OutgoingPacket & Pick<MediaPacket, "ssrc">): void {
    if (ssrc !== this.#ssrc) { for (const follower of this.#followers) follower.begin(); }
    this.#ssrc = ssrc;
    const { sequence = this.#next(packet) } = packet;
    this.#count = (sequence + 1) & 0xffff;
    for (const follower of this.#followers) follower.take({ ...packet, sequence }, this);
    if (this.#wanted) this.requestKeyframe();
  }

  /** Somebody needs a key frame. */
  requestKeyframe(): void {
    if (this.kind !== "video") return;
    const now = this.#options.clock.now();
    this.#wanted = now - this.#asked < KEYFRAME_MS;
    if (this.#wanted) return;
    this.#asked = now;
    this.#options.requestKeyframe?.();
  }

  /** Who follows it. */
  get followers(): Set<Forwarding> {
    return this.#followers;
  }

  #next({ timestamp }: OutgoingPacket): number {
    const before = this.#stamped;
    const { at } = this.#stamped = { timestamp, at: this.#options.clock.now() };
    const passed_ms = ((timestamp - before.timestamp) | 0) / CLOCK[this.kind].ticks;
    const isOff = Math.abs(passed_ms - (at - before.at)) > MAX_OFF_MS;
    return isOff ? (this.#count + 2 * MAX_JUMP) & 0xffff : this.#count;
  }
}

/** Options for {@linkcode Forwarding}. */
export interface ForwardingOptions {
  clock: Clock;
  /** Sends in the section. */
  send(packet: OutgoingPacket & { sequence: number }): void;
}

/** One section of a receiver. */
export class Forwarding {
  readonly #options: ForwardingOptions;
  readonly #pictures = new PictureNumbers();
  #source: MediaSource | undefined;
  /** Whether nothing of the source was sent yet. */
  #fresh = true;
  /** Of the source, counted on beyond 65,535: where it began here, and how far it is. */
  #first = 0;
  #newest = 0;
  #shift = { sequence: 0, timestamp: 0 };
  #last = { sequence: -1, timestamp: 0, at: 0 };

  constructor(options: ForwardingOptions) {
    this.#options = options;
  }

  /** What is passed on now. */
  get source(): MediaSource | undefined {
    return this.#source;
  }

  /** Passes on `source` from now on, or nothing. */
  follow(source: MediaSource | undefined): void {
    if (source === this.#source) return;
    this.#source?.followers.delete(this);
    this.#source = source;
    this.#fresh = true;
    source?.followers.add(this);
    source?.requestKeyframe();
  }

  /** What comes next is of another stream of the source. Called by it. */
  begin(): void {
    this.#fresh = true;
  }

  /** The receiver needs a key frame. */
  requestKeyframe(): void {
    this.#source?.requestKeyframe();
  }

  /** Passes on a packet of `source`. Called by it. */
  take(
    { kind, payload, timestamp, sequence, marker }: OutgoingPacket & { sequence: number },
    source: MediaSource,
  ): void {
    const number = this.#newest + (((sequence - this.#newest + 32_768) & 0xffff) - 32_768);
    if (!this.#fresh && Math.abs(number - this.#newest) > MAX_JUMP) this.#fresh = true;
    const first = this.#fresh;
    if (first) {
      if (kind === "video" && !beginsPicture(payload)) return source.requestKeyframe();
      this.#begin({ kind, timestamp, sequence });
    } else if (number < this.#first) return;
    else this.#newest = Math.max(this.#newest, number);
    const place = (first ? sequence : number) + this.#shift.sequence;
    const time = (timestamp + this.#shift.timestamp) >>> 0;
    if (place > this.#last.sequence) this.#last = { sequence: place, timestamp: time, at: this.#options.clock.now() };
    this.#options.send({
      kind,
      payload: kind === "video" ? this.#pictures.renumber(payload, { first }) : payload,
      timestamp: time,
      sequence: place & 0xffff,
      marker: marker || (first && kind === "audio"),
    });
  }

  #begin({ kind, timestamp, sequence }: { kind: "audio" | "video"; timestamp: number; sequence: number }): void {
    const { ticks, step } = CLOCK[kind];
    const passed = Math.round((this.#options.clock.now() - this.#last.at) * ticks);
    this.#fresh = false;
    this.#first = this.#newest = sequence;
    this.#shift = {
      sequence: this.#last.sequence + 1 - sequence,
      timestamp: this.#last.timestamp + Math.max(step, passed) - timestamp,
    };
  }
}

function beginsPicture(payload: Uint8Array): boolean {
  const part = toPart(payload);
  return part !== undefined && part.first && isKeyframe(part.data);
}
