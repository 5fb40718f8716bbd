/**
 * From packets to frames of sound.
 *
 * @module
 */
import type { OpusDecoder, SampleRate } from "../../ports/audio_codec.ts";
import type { MediaPacket } from "../../ports/peers.ts";
import { frameLength, Framing } from "./framing.ts";
import { type Ordered, Reorder } from "./reorder.ts";

/** How much missing sound is made up; beyond, ears hear that it is made up. */
const MAX_CONCEALED = 5;

/** What {@linkcode Ears} need. */
export interface EarsDeps {
  decoder: OpusDecoder;
  rate: SampleRate;
  reorder_ms: number;
}

/** Puts packets in order, decodes them, makes up for lost ones. */
export class Ears {
  readonly #decoder: OpusDecoder;
  readonly #reorder: Reorder;
  readonly #framing: Framing;
  #concealed = 0;

  constructor({ decoder, rate, reorder_ms }: EarsDeps) {
    this.#decoder = decoder;
    this.#reorder = new Reorder({ wait_ms: reorder_ms });
    this.#framing = new Framing(frameLength(rate));
  }

  /** What was counted: packets too late or doubled, frames made up, packets that wait. */
  get stats(): { stale: number; concealed: number; waiting: number } {
    return { stale: this.#reorder.stale, concealed: this.#concealed, waiting: this.#reorder.size };
  }

  /** The frames that can be heard once `packet` has come. */
  push(packet: MediaPacket, now: number): Int16Array[] {
    this.#reorder.push(packet, now);
    return this.due(now);
  }

  /** The frames behind a packet that won't come any more. */
  due(now: number): Int16Array[] {
    if (this.#reorder.size === 0) return [];
    return [...this.#reorder.take(now)].flatMap((one) => this.#decode(one));
  }

  #decode({ packet, missing }: Ordered): Int16Array[] {
    const frames: Int16Array[] = [];
    const concealed = Math.min(missing, MAX_CONCEALED);
    for (let left = concealed; left > 0; left--) {
      frames.push(...this.#framing.push(this.#decoder.conceal(left === 1 ? packet.payload : undefined)));
    }
    this.#concealed += concealed;
    frames.push(...this.#framing.push(this.#decoder.decode(packet.payload)));
    return frames;
  }
}
