/**
 * WAV files: written whole, read as they come. A program that doesn't know yet how much it will say writes a length that
 * no file has; then the sound lasts to the end.
 *
 * @module
 */
import { SampleReader, toBytes, toSample } from "../../kit/pcm.ts";

const HEADER = 44;
/** Lengths from here on are no lengths: espeak-ng writes 0x7ffff000, others 0xffffffff. */
const ENDLESS = 0x7fff_0000;
/** What may come before the sound. */
const MAX_HEAD = 64 * 1024;
const PCM = 1;
const FLOAT = 3;
const EXTENSIBLE = 0xfffe;

/** `samples` (mono) as a file. */
export function toWav(samples: Int16Array<ArrayBuffer>, rate: number): Uint8Array<ArrayBuffer> {
  const size = samples.byteLength;
  const file = new Uint8Array(HEADER + size);
  const view = new DataView(file.buffer);
  writeName(file, 0, "RIFF");
  view.setUint32(4, HEADER - 8 + size, true);
  writeName(file, 8, "WAVE");
  writeName(file, 12, "fmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, PCM, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, rate * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  writeName(file, 36, "data");
  view.setUint32(40, size, true);
  file.set(toBytes(samples), HEADER);
  return file;
}

/** Bytes that are no WAV, or one of a kind that isn't known. */
export class WavError extends Error {
  override readonly name = "WavError";
}

interface Format {
  rate: number;
  channels: number;
  bits: number;
  float: boolean;
}

/** Reads a file that comes in pieces of any length. Several channels become one. */
export class WavReader {
  #head = new Uint8Array(0);
  #format: Format | undefined;
  #plain: SampleReader | undefined;
  /** Bytes of sound that are to come. */
  #left = 0;
  #rest = new Uint8Array(0);

  /** Samples a second; undefined until the header was read. */
  get rate(): number | undefined {
    return this.#plain === undefined ? undefined : this.#format!.rate;
  }

  /** The samples that `bytes` complete. Throws {@linkcode WavError}. */
  push(bytes: Uint8Array): Int16Array<ArrayBuffer> {
    if (this.#plain === undefined) {
      this.#head = joinBytes(this.#head, bytes);
      const start = this.#readHead();
      if (start === undefined) {
        if (this.#head.length > MAX_HEAD) {
          throw new WavError(`Cannot read WAV: no sound in the first ${MAX_HEAD} bytes`);
        }
        return new Int16Array(0);
      }
      bytes = this.#head.subarray(start);
      this.#head = new Uint8Array(0);
      this.#plain = new SampleReader();
    }
    const sound = bytes.subarray(0, this.#left);
    this.#left -= sound.length;
    const { channels, bits, float } = this.#format!;
    return channels === 1 && bits === 16 && !float ? this.#plain.push(sound) : this.#convert(sound);
  }

  /** Where the sound begins in what came so far. */
  #readHead(): number | undefined {
    const head = this.#head;
    const view = new DataView(head.buffer, head.byteOffset, head.length);
    const known = Math.min(head.length, 4);
    if (nameAt(head, 0, known) !== "RIFF".slice(0, known)) {
      throw new WavError("Cannot read WAV: it doesn't begin with RIFF");
    }
    if (head.length < 12) return undefined;
    if (nameAt(head, 8) !== "WAVE") throw new WavError(`Cannot read WAV: the file is "${nameAt(head, 8)}"`);
    let at = 12;
    while (at + 8 <= head.length) {
      const name = nameAt(head, at);
      const size = view.getUint32(at + 4, true);
      if (name === "data") {
        if (this.#format === undefined) throw new WavError("Cannot read WAV: its sound comes before its format");
        this.#left = size === 0 || size >= ENDLESS ? Infinity : size;
        return at + 8;
      }
      // Parts are padded to an even length.
      const next = at + 8 + size + size % 2;
      if (name === "fmt ") {
        if (size < 16) throw new WavError(`Cannot read WAV: its format has ${size} bytes, expected 16 or more`);
        if (head.length < next) return undefined;
        this.#format = readFormat(view, at + 8, size);
      }
      at = next;
    }
    return undefined;
  }

  #convert(bytes: Uint8Array): Int16Array<ArrayBuffer> {
    const { channels, bits, float } = this.#format!;
    const width = bits / 8;
    const frame = channels * width;
    const all = joinBytes(this.#rest, bytes);
    const count = Math.floor(all.length / frame);
    this.#rest = all.slice(count * frame);
    const view = new DataView(all.buffer, all.byteOffset, all.length);
    const samples = new Int16Array(count);
    for (let i = 0; i < count; i++) {
      let sum = 0;
      for (let channel = 0; channel < channels; channel++) {
        sum += readValue(view, i * frame + channel * width, bits, float);
      }
      samples[i] = toSample(sum / channels);
    }
    return samples;
  }
}

/** A value of any kind, as large as one of 16 bits. */
function readValue(view: DataView, at: number, bits: number, float: boolean): number {
  if (float) return (bits === 64 ? view.getFloat64(at, true) : view.getFloat32(at, true)) * 32_768;
  switch (bits) {
    case 8:
      return (view.getUint8(at) - 128) * 256;
    case 16:
      return view.getInt16(at, true);
    case 24:
      return view.getInt16(at + 1, true) + view.getUint8(at) / 256;
    default:
      return view.getInt32(at, true) / 65_536;
  }
}

function readFormat(view: DataView, at: number, size: number): Format {
  const given = view.getUint16(at, true);
  // The kind of an extensible format begins its identifier.
  const kind = given === EXTENSIBLE && size >= 26 ? view.getUint16(at + 24, true) : given;
  const [channels, rate, bits] = [
    view.getUint16(at + 2, true),
    view.getUint32(at + 4, true),
    view.getUint16(at + 14, true),
  ];
  const float = kind === FLOAT;
  const known = float ? bits === 32 || bits === 64 : kind === PCM && [8, 16, 24, 32].includes(bits);
  if (!known || channels < 1 || channels > 16 || rate < 1000 || rate > 384_000) {
    throw new WavError(
      `Cannot read WAV: its sound is of kind ${kind} with ${channels} channels, ${bits} bits and ${rate} samples a second`,
    );
  }
  return { rate, channels, bits, float };
}

function writeName(file: Uint8Array, at: number, name: string): void {
  for (let i = 0; i < 4; i++) file[at + i] = name.charCodeAt(i);
}

function nameAt(file: Uint8Array, at: number, length = 4): string {
  return String.fromCharCode(...file.subarray(at, at + length));
}

function joinBytes(first: Uint8Array<ArrayBuffer>, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}
