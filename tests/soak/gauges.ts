/**
 * What is measured of a server while it works.
 *
 * @module
 */
import type { Child } from "../bench/support/child.ts";
import type { Prober } from "../bench/support/prober.ts";

/** How often the kernel is asked. */
const LOOK_MS = 250;

/** What was seen since the sample before. */
export interface Sample {
  /** Seconds since the beginning. */
  at: number;
  /** Memory in use, in megabytes: the least, since what is freed a moment later was not lost. */
  memory: number;
  /** Open file descriptors: the least, for the same reason. */
  descriptors: number;
  /** How long the event loop made a probe wait, in milliseconds: the middle, 99 of 100, and the longest. */
  lag: { p50: number; p99: number; max: number };
  /** The database's files, in megabytes. */
  database: number;
  /** Requests since the beginning. */
  requests: number;
  /** CPU since the sample before, in cores. */
  cpu: number;
}

/** Looks at a server until disposed. */
export class Gauges implements Disposable {
  readonly #child: Child;
  readonly #prober: Prober;
  readonly #folder: string;
  readonly #started = performance.now();
  readonly #timer: ReturnType<typeof setInterval>;
  #memory = Infinity;
  #descriptors = Infinity;
  #last = { at: 0, cpu: 0 };

  constructor({ child, prober, folder }: { child: Child; prober: Prober; folder: string }) {
    this.#child = child;
    this.#prober = prober;
    this.#folder = folder;
    this.#last.cpu = child.cpuMs();
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  /** What was seen since the last call. */
  async take(requests: number): Promise<Sample> {
    this.#look();
    const times = (await this.#prober.take()).sort((a, b) => a - b);
    const at = (performance.now() - this.#started) / 1000;
    const cpu = this.#child.cpuMs();
    const sample = {
      at,
      memory: this.#memory / 1024,
      descriptors: this.#descriptors,
      lag: { p50: shareOf(times, 0.5), p99: shareOf(times, 0.99), max: times.at(-1) ?? 0 },
      database: this.#database() / 2 ** 20,
      requests,
      cpu: (cpu - this.#last.cpu) / 1000 / (at - this.#last.at),
    };
    this.#last = { at, cpu };
    this.#memory = this.#descriptors = Infinity;
    return sample;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    this.#memory = Math.min(this.#memory, this.#child.rssKb());
    this.#descriptors = Math.min(this.#descriptors, this.#child.descriptors());
  }

  #database(): number {
    let size = 0;
    for (const { name, isFile } of Deno.readDirSync(this.#folder)) {
      if (isFile && name.startsWith("muxi.db")) size += Deno.statSync(`${this.#folder}/${name}`).size;
    }
    return size;
  }
}

function shareOf(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
