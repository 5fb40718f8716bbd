/**
 * Sound of telephones (ITU-T G.711): a byte a sample, loud ones more coarsely than soft ones.
 *
 * @module
 */

/** Its two laws. */
export type G711Law = "mu" | "a";

/** Added before µ-law looks for the segment. */
const BIAS = 0x84;
const MU_MOST = 32_635;

/** The samples of `bytes`. */
export function fromG711(bytes: Uint8Array, law: G711Law): Int16Array<ArrayBuffer> {
  const samples = new Int16Array(bytes.length);
  const expand = law === "mu" ? fromMu : fromA;
  for (let i = 0; i < bytes.length; i++) samples[i] = expand(bytes[i]!);
  return samples;
}

/** `samples`, a byte each. */
export function toG711(samples: Int16Array, law: G711Law): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(samples.length);
  const compress = law === "mu" ? toMu : toA;
  for (let i = 0; i < samples.length; i++) bytes[i] = compress(samples[i]!);
  return bytes;
}

function fromMu(byte: number): number {
  const flipped = ~byte & 0xff;
  const segment = (flipped >> 4) & 7;
  const value = ((((flipped & 0x0f) << 3) + BIAS) << segment) - BIAS;
  return flipped & 0x80 ? -value : value;
}

function toMu(sample: number): number {
  const sign = sample < 0 ? 0x80 : 0;
  const value = Math.min(Math.abs(sample), MU_MOST) + BIAS;
  const segment = 31 - Math.clz32(value) - 7;
  return ~(sign | (segment << 4) | ((value >> (segment + 3)) & 0x0f)) & 0xff;
}

function fromA(byte: number): number {
  const flipped = byte ^ 0x55;
  const segment = (flipped >> 4) & 7;
  const step = ((flipped & 0x0f) << 4) + 8;
  const value = segment === 0 ? step : (step + 0x100) << (segment - 1);
  return flipped & 0x80 ? value : -value;
}

function toA(sample: number): number {
  const sign = sample < 0 ? 0 : 0x80;
  const value = sample < 0 ? -sample - 1 : sample;
  const segment = value < 256 ? 0 : 31 - Math.clz32(value) - 7;
  const step = segment === 0 ? value >> 4 : (value >> (segment + 3)) & 0x0f;
  return (sign | (segment << 4) | step) ^ 0x55;
}
