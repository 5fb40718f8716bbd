/**
 * Sound as 16-bit samples, mono.
 *
 * @module
 */

/** The level of silence, in dBFS. */
export const SILENCE_DB = -100;

const FULL_SCALE = 32_768;

/** How loud `samples` are: 0 dBFS is the loudest square wave, a full sine is −3. */
export function levelOf(samples: Int16Array): number {
  let sum = 0;
  for (let i = 0; i < samples.length; i++) sum += samples[i]! * samples[i]!;
  if (sum === 0) return SILENCE_DB;
  return Math.max(SILENCE_DB, 10 * Math.log10(sum / samples.length / (FULL_SCALE * FULL_SCALE)));
}

/** `samples` louder or softer by `factor`, cut where they would be too loud. */
export function amplify(samples: Int16Array, factor: number): Int16Array {
  const louder = new Int16Array(samples.length);
  for (let i = 0; i < samples.length; i++) louder[i] = toSample(samples[i]! * factor);
  return louder;
}

/** The nearest sample there is. */
export function toSample(value: number): number {
  return value >= 32_767 ? 32_767 : value <= -32_768 ? -32_768 : Math.round(value);
}

/** One after the other. */
export function joinSamples(parts: readonly Int16Array[]): Int16Array<ArrayBuffer> {
  const all = new Int16Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** The same samples as little-endian bytes, not copied. */
export function toBytes(samples: Int16Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
}

/** Makes samples of little-endian bytes that come in pieces of any length. */
export class SampleReader {
  #odd: number | undefined;

  /** The samples that `bytes` complete. */
  push(bytes: Uint8Array): Int16Array<ArrayBuffer> {
    const before = this.#odd === undefined ? 0 : 1;
    const all = new Uint8Array(before + bytes.length);
    if (this.#odd !== undefined) all[0] = this.#odd;
    all.set(bytes, before);
    this.#odd = all.length % 2 === 1 ? all[all.length - 1] : undefined;
    return new Int16Array(all.buffer, 0, all.length >> 1);
  }
}
