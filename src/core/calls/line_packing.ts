/**
 * Sound of a line as packets of Opus, for those who follow a call's packets.
 *
 * @module
 */
import type { Clock } from "../../kit/clock.ts";
import { SampleReader } from "../../kit/pcm.ts";
import { type AudioCodec, FRAME_MS, OPUS_CLOCK, type OpusEncoder } from "../../ports/audio_codec.ts";
import { frameLength, Framing } from "../voice/framing.ts";
import type { DirectedPacket } from "./call_tap.ts";
import { PCM_RATE } from "./pcm_codec.ts";

/** Bits a second. */
const BITRATE = 32_000;
/** How much later than its stamp a packet may come before the stamps jump, in milliseconds: clients pause. */
const PAUSE_MS = 200;
const TICKS = OPUS_CLOCK / 1000;

/** Packs the packets of one call. */
export class LinePacking implements Disposable {
  readonly #clock: Clock;
  readonly #encoders: Record<"in" | "out", OpusEncoder>;
  readonly #reader = new SampleReader();
  readonly #framing = new Framing(frameLength(PCM_RATE));
  #next = { sequence: 0, timestamp: 0, at: 0 };

  /** Opens what it needs. */
  static async open(codec: AudioCodec, { clock }: { clock: Clock }): Promise<LinePacking> {
    const open = () => codec.createEncoder({ rate: PCM_RATE, bitrate: BITRATE });
    return new LinePacking(clock, { in: await open(), out: await open() });
  }

  private constructor(clock: Clock, encoders: Record<"in" | "out", OpusEncoder>) {
    this.#clock = clock;
    this.#encoders = encoders;
  }

  /** The packets that `packet` completes. */
  pack(...[direction, packet]: DirectedPacket): DirectedPacket[] {
    if (direction === "out") {
      const frame = new SampleReader().push(packet.payload);
      return [["out", { ...packet, payload: this.#encoders.out.encode(frame) }]];
    }
    return this.#framing.push(this.#reader.push(packet.payload)).map((frame) => {
      const payload = this.#encoders.in.encode(frame);
      return ["in", { ...packet, payload, ...this.#place() }];
    });
  }

  [Symbol.dispose](): void {
    for (const encoder of Object.values(this.#encoders)) encoder[Symbol.dispose]();
  }

  #place(): { sequence: number; timestamp: number } {
    const { sequence, timestamp, at } = this.#next;
    const late = Math.max(0, this.#clock.now() - at);
    const due = late > PAUSE_MS ? timestamp + Math.round(late * TICKS) : timestamp;
    this.#next = {
      sequence: (sequence + 1) & 0xffff,
      timestamp: (due + FRAME_MS * TICKS) >>> 0,
      at: Math.max(at, this.#clock.now()) + FRAME_MS,
    };
    return { sequence, timestamp: due >>> 0 };
  }
}
