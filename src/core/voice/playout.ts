/**
 * Sends sound in real time: a packet each 20 ms, never ahead by more than it is told.
 *
 * @module
 */
import type { Clock } from "../../kit/clock.ts";
import { levelOf, SILENCE_DB } from "../../kit/pcm.ts";
import { FRAME_MS, OPUS_CLOCK, type OpusEncoder } from "../../ports/audio_codec.ts";
import type { OutgoingPacket } from "../../ports/peers.ts";

/** Ticks of Opus' clock in a frame. */
const TICKS = OPUS_CLOCK / 1000 * FRAME_MS;
/** How many packets that are late are made up for at once; beyond, they are left out. */
const MAX_LATE = 5;
/** After how much silence its packets are all the same, so that a pause costs nothing. */
const SETTLED = 10;

/** How sound goes out. */
export interface PlayoutWay {
  /** How much may be ahead, to hide how unevenly it comes. Nothing, where the other end has a buffer of its own. */
  lead_ms: number;
  /** Whether silence is sent, too. */
  silence: boolean;
}

/** The way of packets. */
const PACKETS: PlayoutWay = { lead_ms: 0, silence: true };

/** What {@linkcode Playout} needs. */
export interface PlayoutDeps {
  clock: Clock;
  encoder: OpusEncoder;
  /** Samples of a frame. */
  frame: number;
  /** Absent: as packets go, in real time and without a pause. */
  way?: PlayoutWay | undefined;
  /** The sound that is due now; null: silence. */
  next(): Int16Array | null;
  send(packet: OutgoingPacket): void;
  /** Told every 20 ms how loud the frame is whose turn it is, in dBFS. */
  onFrame(level: number): void;
}

/** The clockwork of what is sent. */
export class Playout implements Disposable {
  readonly #deps: PlayoutDeps;
  readonly #silence: Int16Array;
  readonly #way: PlayoutWay;
  #running = false;
  #timer: Disposable | undefined;
  /** When packet 0 was due, and which comes next. */
  #start = 0;
  #index = 0;
  #silent = 0;
  #quietPacket: Uint8Array | undefined;
  #marker = true;
  #sent = 0;
  /** How loud the frames are that were sent and whose turn has not come. */
  #ahead: number[] = [];

  constructor(deps: PlayoutDeps) {
    this.#deps = deps;
    this.#way = deps.way ?? PACKETS;
    this.#silence = new Int16Array(deps.frame);
  }

  /** Packets that were sent. */
  get sent(): number {
    return this.#sent;
  }

  /** How much was sent whose turn has not come, in milliseconds. */
  get ahead_ms(): number {
    return this.#ahead.length * FRAME_MS;
  }

  /** Begins, or goes on after a pause. */
  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#ahead = [];
    const now = this.#deps.clock.now();
    // Time went on at the other end, too.
    if (this.#index === 0) this.#start = now;
    else this.#index = Math.max(this.#index, Math.ceil((now - this.#start) / FRAME_MS));
    this.#marker = true;
    this.#tick();
  }

  /** Sends nothing until it is started again. */
  pause(): void {
    this.#running = false;
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
  }

  [Symbol.dispose](): void {
    this.pause();
  }

  #tick(): void {
    const { clock } = this.#deps;
    const due = this.#dueAt(clock.now());
    // Whoever gets a packet may pause us.
    for (let left = MAX_LATE; left > 0 && this.#index <= due && this.#running; left--) this.#send();
    if (!this.#running) return;
    if (this.#index <= due) {
      this.#ahead.splice(0, due + 1 - this.#index);
      this.#index = due + 1;
      this.#marker = true;
    }
    const wait = this.#start + this.#index * FRAME_MS - clock.now();
    this.#timer = clock.after(Math.max(0, wait), () => this.#tick());
  }

  /** Which packet is due now. A clock that was set back doesn't stop the sound. */
  #dueAt(now: number): number {
    const due = Math.floor((now - this.#start) / FRAME_MS);
    if (due >= this.#index - MAX_LATE) return due;
    this.#start = now - this.#index * FRAME_MS;
    return this.#index;
  }

  #send(): void {
    const { next, onFrame } = this.#deps;
    const most = this.#way.lead_ms / FRAME_MS;
    for (let frame; this.#ahead.length <= most && (frame = next());) {
      this.#give(frame);
      this.#ahead.push(levelOf(frame));
    }
    if (this.#ahead.length === 0 && this.#way.silence) this.#give(null);
    this.#index++;
    onFrame(this.#ahead.shift() ?? SILENCE_DB);
  }

  #give(frame: Int16Array | null): void {
    const packet = {
      kind: "audio",
      payload: this.#payload(frame),
      timestamp: ((this.#index + this.#ahead.length) * TICKS) >>> 0,
      marker: this.#marker,
    } as const;
    this.#marker = false;
    this.#sent++;
    this.#deps.send(packet);
  }

  #payload(frame: Int16Array | null): Uint8Array {
    const { encoder } = this.#deps;
    if (frame) {
      this.#silent = 0;
      return encoder.encode(frame);
    }
    if (++this.#silent <= SETTLED) this.#quietPacket = encoder.encode(this.#silence);
    return this.#quietPacket!;
  }
}
