/**
 * Sound that isn't packed: its packets are 16-bit samples, little-endian, mono, 24,000 a second.
 *
 * @module
 */
import { SampleReader, toBytes } from "../../kit/pcm.ts";
import { Resampler } from "../../kit/resampler.ts";
import { type AudioCodec, FRAME_MS } from "../../ports/audio_codec.ts";

/** Samples a second of its packets. */
export const PCM_RATE = 24_000;

/** See the module. Packets may be of any length. */
export const PCM_CODEC: AudioCodec = {
  load: () => Promise.resolve(),
  createDecoder({ rate }) {
    const reader = new SampleReader();
    const resampler = new Resampler({ from: PCM_RATE, to: rate });
    return Promise.resolve({
      unreadable: 0,
      decode: (packet) => resampler.push(reader.push(packet)),
      conceal: () => new Int16Array(rate / 1000 * FRAME_MS),
      [Symbol.dispose]() {},
    });
  },
  createEncoder({ rate }) {
    const resampler = new Resampler({ from: rate, to: PCM_RATE });
    return Promise.resolve({
      encode: (frame) => toBytes(resampler.push(frame)),
      expectLoss() {},
      [Symbol.dispose]() {},
    });
  },
};
