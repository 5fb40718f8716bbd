/**
 * Whether a sound is the agent's own voice, coming back from the caller's loudspeaker.
 *
 * @module
 */
import { FRAME_MS } from "../../ports/audio_codec.ts";

/** How much is compared, and how late an echo may be, in frames. */
const SPAN = 500 / FRAME_MS;
const MAX_DELAY = 300 / FRAME_MS;
/** How alike two loudnesses have to be, from -1 to 1. */
const ALIKE = 0.6;
/** An echo is softer than its source; below the second, it is nothing else. */
const ECHO_DB = -3;
const FAINT_DB = -12;
/** Below, differences of loudness say nothing. */
const FLOOR_DB = -60;

/** Compares how loud the agent was with how loud the caller's side is. */
export class EchoGuard {
  /** Before the call both were silent, so that the first words are compared with as much as later ones. */
  #played: number[] = new Array(SPAN + MAX_DELAY).fill(FLOOR_DB);
  #heard: number[] = new Array(SPAN).fill(FLOOR_DB);
  #silent = 0;

  /** Notes how loud the 20 ms are that are sent, in dBFS. */
  played(level: number): void {
    this.#silent = level > FLOOR_DB ? 0 : this.#silent + 1;
    keep(this.#played, level);
  }

  /** Whether 20 ms of `level` dBFS are an echo. */
  isEcho(level: number): boolean {
    keep(this.#heard, level);
    if (this.#silent > MAX_DELAY) return false;
    const loudest = Math.max(...this.#played.slice(-MAX_DELAY));
    if (loudest <= FLOOR_DB || level >= loudest + ECHO_DB) return false;
    if (level < loudest + FAINT_DB) return true;
    for (let delay = 0; delay <= MAX_DELAY; delay++) if (this.#likeness(delay) > ALIKE) return true;
    return false;
  }

  /** How much what was heard follows what was played `delay` frames before, from -1 to 1. */
  #likeness(delay: number): number {
    const end = this.#played.length - delay;
    return correlation(this.#heard, this.#played.slice(end - SPAN, end));
  }
}

function keep(levels: number[], level: number): void {
  levels.push(Math.max(level, FLOOR_DB));
  levels.shift();
}

function correlation(a: number[], b: number[]): number {
  const meanA = mean(a);
  const meanB = mean(b);
  let [both, squareA, squareB] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i]! - meanA, b[i]! - meanB];
    both += x * y;
    squareA += x * x;
    squareB += y * y;
  }
  return squareA === 0 || squareB === 0 ? 0 : both / Math.sqrt(squareA * squareB);
}

function mean(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
