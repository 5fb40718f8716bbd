/**
 * What of a call's packets goes into a recording, in order and in time.
 *
 * @module
 */
import type { MediaPacket, OutgoingPacket } from "../../ports/peers.ts";
import type { RecordedPiece } from "../../ports/recorder.ts";
import { Vp8Frames } from "../calls/vp8_frames.ts";
import { Reorder } from "../voice/reorder.ts";
import { Timeline } from "./timeline.ts";

/** Takes the pieces of a track. */
export type Write = (piece: RecordedPiece) => void;

/** Ticks of a clock in a millisecond. */
const TICKS = { audio: 48, video: 90 } as const;
/** How long a missing packet of sound is waited for. */
const WAIT_MS = 300;
/** Stamps of others are believed this far, our own hardly: a pause may be missing in them. */
const JUMP_MS = { theirs: 1000, ours: 100 } as const;
/** A picture that stands for itself comes this often, so that a player can jump there. */
const KEYFRAME_MS = 10_000;
/** How often one is asked for that doesn't come. */
const ASK_MS = 1000;

/** Lets no time go back, in whole milliseconds. */
class Order {
  readonly #write: Write;
  readonly #step: number;
  #next = 0;

  /** `step`: how far one piece is from the next at least. */
  constructor(write: Write, step = 0) {
    this.#write = write;
    this.#step = step;
  }

  write(piece: RecordedPiece): void {
    const time_ms = Math.max(this.#next, Math.round(piece.time_ms));
    this.#next = time_ms + this.#step;
    this.#write({ ...piece, time_ms });
  }
}

/** A track that comes in. `now` is the time since the recording began. */
export interface IncomingTrack {
  take(packet: MediaPacket, now: number): void;
  /** Gives what waits for something missing. */
  end(): void;
}

/** Sound that comes in. */
export class SoundTrack implements IncomingTrack {
  readonly #reorder = new Reorder({ wait_ms: WAIT_MS });
  #ssrc: number | undefined;
  readonly #timeline = new Timeline({ ticks: TICKS.audio, jump_ms: JUMP_MS.theirs });
  readonly #order: Order;

  constructor(write: Write) {
    this.#order = new Order(write);
  }

  take(packet: MediaPacket, now: number): void {
    // What waits for something missing of the stream before was heard as well.
    if (packet.ssrc !== this.#ssrc) this.#give(Infinity);
    this.#ssrc = packet.ssrc;
    this.#timeline.observe(packet.timestamp, now);
    this.#reorder.push(packet, now);
    this.#give(now);
  }

  end(): void {
    this.#give(Infinity);
  }

  #give(now: number): void {
    for (const { packet: { payload, timestamp } } of this.#reorder.take(now)) {
      if (payload.length > 0) {
        this.#order.write({ data: payload, time_ms: this.#timeline.timeOf(timestamp), key: true });
      }
    }
  }
}

/** Sound that goes out: it is in order, and due when it comes. */
export class AnswerTrack {
  readonly #timeline = new Timeline({ ticks: TICKS.audio, jump_ms: JUMP_MS.ours });
  readonly #order: Order;

  constructor(write: Write) {
    this.#order = new Order(write);
  }

  take({ payload, timestamp }: OutgoingPacket, now: number): void {
    this.#timeline.observe(timestamp, now);
    this.#order.write({ data: payload, time_ms: this.#timeline.timeOf(timestamp), key: true });
  }
}

/** Pictures that come in. */
export class PictureTrack implements IncomingTrack {
  readonly #frames = new Vp8Frames();
  readonly #timeline = new Timeline({ ticks: TICKS.video, jump_ms: JUMP_MS.theirs });
  readonly #order: Order;
  readonly #askForKeyframe: () => void;
  #key_at = -Infinity;
  #asked_at = -Infinity;

  constructor(write: Write, askForKeyframe: () => void) {
    // Of two pictures at one moment a player shows one, and complains.
    this.#order = new Order(write, 1);
    this.#askForKeyframe = askForKeyframe;
  }

  take(packet: MediaPacket, now: number): void {
    this.#timeline.observe(packet.timestamp, now);
    for (const { data, key, size, timestamp } of this.#frames.push(packet)) {
      if (key) this.#key_at = now;
      this.#order.write({ data, key, time_ms: this.#timeline.timeOf(timestamp), ...key && { size } });
    }
    const wanted = this.#frames.broken || now - this.#key_at > KEYFRAME_MS;
    if (!wanted || now - this.#asked_at < ASK_MS) return;
    this.#asked_at = now;
    this.#askForKeyframe();
  }

  end(): void {}
}
