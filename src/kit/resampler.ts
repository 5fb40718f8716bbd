/**
 * Sound at another rate.
 *
 * @module
 */
import { toSample } from "./pcm.ts";

/** Zero crossings of the filter on each side: how steeply it cuts. */
const CROSSINGS = 16;
/** Shape of the Kaiser window: how well it cuts. */
const SHAPE = 9;
/** The share of the band that is kept. */
const BAND = 0.94;
/**
 * The most positions between two samples that have a filter. Rates without a common measure take the nearest of them,
 * which is exact enough for speech (62 dB at 4 kHz).
 */
const MAX_PHASES = 1024;
/** Filters that are kept, by their rates: a program speaks few, and making one takes a millisecond. */
const MAX_FILTERS = 16;

interface Filter {
  /** One set of weights for each position between two samples, one after the other. */
  weights: Float32Array;
  phases: number;
  taps: number;
}

const filters = new Map<string, Filter>();

/**
 * Turns samples at one rate into samples at another, piece by piece: polyphase, by a windowed sinc. What it gives lies
 * behind what it got by the half of its filter, less than 2 ms for speech.
 *
 * @example
 * const resampler = new Resampler({ from: 22_050, to: 48_000 });
 * const louder = joinSamples([resampler.push(samples), resampler.end()]);
 */
export class Resampler {
  readonly #from: number;
  readonly #to: number;
  readonly #filter: Filter;
  /** The samples that later ones still need. */
  #history: Float32Array;
  /** Where the next sample is due, in parts of `#to` of a sample since the beginning of the history. */
  #position = 0;

  constructor({ from, to }: { from: number; to: number }) {
    for (const rate of [from, to]) {
      if (!(Number.isInteger(rate) && rate >= 1_000 && rate <= 384_000)) {
        throw new RangeError(`Cannot resample from ${from} to ${to} samples a second: ${rate} is no usable rate`);
      }
    }
    const divisor = commonDivisor(from, to);
    this.#from = from / divisor;
    this.#to = to / divisor;
    this.#filter = filterFor(this.#from, this.#to);
    this.#history = new Float32Array(this.#filter.taps / 2 - 1);
  }

  /** The samples that can be made once `samples` have come. */
  push(samples: Int16Array): Int16Array<ArrayBuffer> {
    if (this.#from === this.#to) return samples.slice();
    const input = new Float32Array(this.#history.length + samples.length);
    input.set(this.#history);
    input.set(samples, this.#history.length);
    return this.#make(input);
  }

  /** The last samples. Begins anew afterwards. */
  end(): Int16Array<ArrayBuffer> {
    if (this.#from === this.#to) return new Int16Array(0);
    const last = this.push(new Int16Array(this.#filter.taps / 2));
    this.#history = new Float32Array(this.#filter.taps / 2 - 1);
    this.#position = 0;
    return last;
  }

  #make(input: Float32Array): Int16Array<ArrayBuffer> {
    const { weights, phases, taps } = this.#filter;
    const [from, to] = [this.#from, this.#to];
    const due = (input.length - taps + 1) * to - this.#position;
    const made = new Int16Array(Math.max(0, Math.ceil(due / from)));
    let position = this.#position;
    for (let i = 0; i < made.length; i++) {
      const first = Math.floor(position / to);
      const phase = Math.round((position - first * to) * phases / to);
      const base = phase * taps;
      let sum = 0;
      for (let tap = 0; tap < taps; tap++) sum += weights[base + tap]! * input[first + tap]!;
      made[i] = toSample(sum);
      position += from;
    }
    const used = Math.min(Math.floor(position / to), input.length);
    this.#history = input.slice(used);
    this.#position = position - used * to;
    return made;
  }
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}

function filterFor(from: number, to: number): Filter {
  const key = `${from}:${to}`;
  const known = filters.get(key);
  if (known !== undefined) return known;
  if (filters.size >= MAX_FILTERS) filters.clear();
  const made = makeFilter(from, to);
  filters.set(key, made);
  return made;
}

function makeFilter(from: number, to: number): Filter {
  const phases = Math.min(to, MAX_PHASES);
  const cut = Math.min(1, to / from);
  const half = Math.ceil(CROSSINGS / cut);
  const taps = 2 * half;
  // The position behind the last belongs to the next sample, and rounding leads there.
  const weights = new Float32Array((phases + 1) * taps);
  for (let phase = 0; phase <= phases; phase++) {
    const row = weights.subarray(phase * taps, (phase + 1) * taps);
    let sum = 0;
    for (let tap = 0; tap < taps; tap++) {
      const distance = tap - half + 1 - phase / phases;
      row[tap] = sinc(distance * cut * BAND) * kaiser(distance / half);
      sum += row[tap]!;
    }
    for (let tap = 0; tap < taps; tap++) row[tap]! /= sum;
  }
  return { weights, phases, taps };
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

function kaiser(x: number): number {
  return Math.abs(x) > 1 ? 0 : bessel(SHAPE * Math.sqrt(1 - x * x)) / bessel(SHAPE);
}

/** The modified Bessel function of order 0. */
function bessel(x: number): number {
  let sum = 1;
  let term = 1;
  for (let k = 1; term > sum * 1e-9; k++) {
    term *= (x / 2 / k) ** 2;
    sum += term;
  }
  return sum;
}
