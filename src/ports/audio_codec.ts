/**
 * Opus (RFC 6716), mono. Its clock in RTP is 48,000 a second at every rate (RFC 7587).
 *
 * @module
 */

/** Samples a second that frames have. */
export type SampleRate = 16_000 | 24_000 | 48_000;

/** The clock of Opus in RTP, ticks a second. */
export const OPUS_CLOCK = 48_000;
/** How long a frame is, in milliseconds. */
export const FRAME_MS = 20;

/** Turns packets into sound. */
export interface OpusDecoder extends Disposable {
  /** Packets that couldn't be read. */
  readonly unreadable: number;
  /** The samples of `packet`; its loss is concealed when it can't be read. */
  decode(packet: Uint8Array): Int16Array;
  /** Sound for 20 ms that are missing; `next` is the packet after it, which may carry it once more. */
  conceal(next?: Uint8Array): Int16Array;
}

/** Turns frames of 20 ms into packets. */
export interface OpusEncoder extends Disposable {
  encode(frame: Int16Array): Uint8Array;
  /** Adds as much redundancy as a loss of `percent` wants. */
  expectLoss(percent: number): void;
}

/** Makes both. */
export interface AudioCodec {
  /** Loads what it needs, which the first use does otherwise. */
  load(): Promise<void>;
  createDecoder(options: { rate: SampleRate }): Promise<OpusDecoder>;
  createEncoder(options: { rate: SampleRate; bitrate: number }): Promise<OpusEncoder>;
}
