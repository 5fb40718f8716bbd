/**
 * What is counted of a server.
 *
 * @module
 */
import { maskSecrets } from "../../kit/log.ts";

/** How many of the last calls the middle latency is taken of. */
const KEPT = 101;

/** Calls of a server, and how they went. */
export class Tally {
  calls = 0;
  failures = 0;
  restarts = 0;
  last_error: string | null = null;
  #latencies = new Float64Array(KEPT);
  #answered = 0;

  /** Notes a call that was answered. */
  answered(ms: number): void {
    this.calls++;
    this.#latencies[this.#answered++ % KEPT] = ms;
  }

  /** Notes a call that failed. */
  failed(message: string): void {
    this.calls++;
    this.failures++;
    this.last_error = message;
  }

  /** The middle one of the last latencies; null before the first. */
  get latency_ms(): number | null {
    const kept = this.#latencies.slice(0, Math.min(this.#answered, KEPT)).sort();
    return kept[Math.floor(kept.length / 2)] ?? null;
  }
}

/** What is said of `error`. */
export function textOf(error: unknown): string {
  return maskSecrets(error instanceof Error ? error.message : String(error));
}
