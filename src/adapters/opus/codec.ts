/**
 * Opus by `libopus-wasm`, loaded with the first call.
 *
 * @module
 */
import type { OpusDecoderHandle, OpusEncoderHandle } from "libopus-wasm";
import {
  type AudioCodec,
  FRAME_MS,
  type OpusDecoder,
  type OpusEncoder,
  type SampleRate,
} from "../../ports/audio_codec.ts";

/** Half of the best there is: beyond, ears hear little more and the machine works twice as much. */
const COMPLEXITY = 5;
/** What is made redundant for before anything was lost. */
const EXPECTED_LOSS = 10;
/** The most of redundancy that is worth its bits. */
const MAX_LOSS = 30;

/** Builds the {@linkcode AudioCodec}. */
export function createOpusCodec(): AudioCodec {
  const library = () => import("libopus-wasm");
  return {
    async load() {
      await (await library()).loadLibopus();
    },
    async createDecoder({ rate }) {
      const { createDecoder } = await library();
      return new Decoder(await createDecoder({ channels: 1, sampleRate: rate }), rate);
    },
    async createEncoder({ rate, bitrate }) {
      const { createEncoder, Application } = await library();
      const encoder = await createEncoder({
        channels: 1,
        sampleRate: rate,
        frameSize: rate / 1000 * FRAME_MS,
        application: Application.Voip,
        bitrate,
        complexity: COMPLEXITY,
        fec: true,
        packetLossPercent: EXPECTED_LOSS,
        // A pause that sends nothing looks like a dead line to those who watch it.
        dtx: false,
      });
      return new Encoder(encoder);
    },
  };
}

class Decoder implements OpusDecoder {
  readonly #handle: OpusDecoderHandle;
  readonly #frame: number;
  #unreadable = 0;

  constructor(handle: OpusDecoderHandle, rate: SampleRate) {
    this.#handle = handle;
    this.#frame = rate / 1000 * FRAME_MS;
  }

  get unreadable(): number {
    return this.#unreadable;
  }

  decode(packet: Uint8Array): Int16Array {
    try {
      return this.#handle.decode(packet);
    } catch {
      // What strangers send need not be Opus.
      this.#unreadable++;
      return this.conceal();
    }
  }

  conceal(next?: Uint8Array): Int16Array {
    try {
      if (next !== undefined) return this.#handle.decode(next, { decodeFec: true, frameSize: this.#frame });
    } catch {
      // Counted when its own turn comes.
    }
    return this.#handle.decodePacketLoss(this.#frame);
  }

  [Symbol.dispose](): void {
    this.#handle.free();
  }
}

class Encoder implements OpusEncoder {
  readonly #handle: OpusEncoderHandle;

  constructor(handle: OpusEncoderHandle) {
    this.#handle = handle;
  }

  encode(frame: Int16Array): Uint8Array {
    return this.#handle.encode(frame);
  }

  expectLoss(percent: number): void {
    this.#handle.setPacketLossPercent(Math.min(MAX_LOSS, Math.max(0, Math.round(percent))));
  }

  [Symbol.dispose](): void {
    this.#handle.free();
  }
}
