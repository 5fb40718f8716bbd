/**
 * A connection without WebRTC: the sound of a call goes where its words go.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { Clock } from "../../kit/clock.ts";
import { type AudioCodec, FRAME_MS } from "../../ports/audio_codec.ts";
import type { OutgoingPacket, Peer, PeerEvents, PeerOptions, PeerState, PeerStats } from "../../ports/peers.ts";
import type { CallMedia } from "./call_media.ts";
import { LinePacking } from "./line_packing.ts";
import { PCM_CODEC, PCM_RATE } from "./pcm_codec.ts";

/** How much of an answer is there before its turn: what comes over TCP comes unevenly. */
const LEAD_MS = 200;
/** The one section there is. */
const MID = "0";
/** Ticks of the clock of sound in a sample. */
const TICKS = 48_000 / PCM_RATE;
const BYTES = 2;

/** See the module. It is made for one call. */
export class Line {
  readonly #onSound: (bytes: Uint8Array) => void;
  #peer: LinePeer | undefined;
  /** Of connections. */
  #codec: AudioCodec | undefined;

  /** `onSound` is told what the agent says, 20 ms at a time. */
  constructor({ onSound }: { onSound(bytes: Uint8Array): void }) {
    this.#onSound = onSound;
  }

  /** `media`, in which this is the connection. */
  over(media: CallMedia): CallMedia {
    this.#codec = media.codec;
    return {
      ...media,
      peers: { create: (options) => this.#create(options) },
      codec: PCM_CODEC,
      playout: { lead_ms: LEAD_MS, silence: false },
    };
  }

  /** Packs its sound for others. */
  openPacking(clock: Clock): Promise<LinePacking> {
    return LinePacking.open(this.#codec ?? PCM_CODEC, { clock });
  }

  /** Takes what the caller says, in any length. */
  hear(bytes: Uint8Array): void {
    this.#peer?.hear(bytes);
  }

  /** The other end takes nothing for now, or again. */
  stall(stalled: boolean): void {
    this.#peer?.become(stalled ? "lost" : "connected");
  }

  /** The other end has left. */
  close(): void {
    this.#peer?.become("closed");
  }

  #create(options: PeerOptions): Peer {
    const peer = new LinePeer(options.events, { isFirst: this.#peer === undefined, onSound: this.#onSound });
    this.#peer ??= peer;
    return peer;
  }
}

class LinePeer implements Peer {
  readonly ice = { local: null, remote: null };
  readonly tracks = [{ mid: MID, kind: "audio" }] as const;
  readonly outlets = this.tracks;
  readonly #events: PeerEvents;
  readonly #isFirst: boolean;
  readonly #onSound: (bytes: Uint8Array) => void;
  #state: PeerState = "new";
  #sequence = 0;
  #timestamp = 0;
  #counts = { packets_received: 0, packets_sent: 0, bytes_received: 0, bytes_sent: 0 };

  constructor(
    events: PeerEvents,
    { isFirst, onSound }: { isFirst: boolean; onSound(bytes: Uint8Array): void },
  ) {
    this.#events = events;
    this.#isFirst = isFirst;
    this.#onSound = onSound;
  }

  get state(): PeerState {
    return this.#state;
  }

  become(state: PeerState): void {
    if (this.#state === state || this.#state === "closed") return;
    this.#state = state;
    this.#events.onState(state);
  }

  hear(payload: Uint8Array): void {
    if (this.#state === "closed") return;
    this.#counts.packets_received++;
    this.#counts.bytes_received += payload.length;
    const packet = { mid: MID, kind: "audio", payload, marker: false } as const;
    this.#events.onMedia({ ...packet, sequence: this.#sequence, timestamp: this.#timestamp });
    this.#sequence = (this.#sequence + 1) & 0xffff;
    this.#timestamp = (this.#timestamp + payload.length / BYTES * TICKS) >>> 0;
  }

  /** There is nothing to describe: whoever opens the line is there. */
  answer(): Promise<string> {
    return this.#isFirst ? Promise.resolve("") : refuse();
  }

  offer = refuse;
  accept = refuse;
  restart = refuse;

  addCandidate(): Promise<void> {
    return Promise.resolve();
  }

  sendAudio({ payload }: OutgoingPacket): void {
    if (this.#state !== "connected") return;
    this.#counts.packets_sent++;
    this.#counts.bytes_sent += payload.length;
    this.#onSound(payload);
  }

  sendVideo(): void {}

  requestKeyframe(): void {}

  openChannel(): never {
    throw noConnection();
  }

  stats(): PeerStats {
    const unknown = { jitter_ms: null, round_trip_ms: null, path: null };
    return { ...this.#counts, packets_lost: 0, packets_stale: 0, ...unknown };
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#state = "closed";
    return Promise.resolve();
  }
}

function refuse(): Promise<never> {
  return Promise.reject(noConnection());
}

function noConnection(): AppError {
  return new AppError(
    "ConflictError",
    "Cannot signal: this call has no WebRTC connection, its sound goes with its words",
  );
}

/** How long `bytes` of a line last, in milliseconds. */
export function soundMs(bytes: number): number {
  return bytes / BYTES * 1000 / PCM_RATE;
}

/** Bytes of a frame. */
export const LINE_FRAME = PCM_RATE / 1000 * FRAME_MS * BYTES;
