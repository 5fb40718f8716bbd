/**
 * The newest events of a run, kept once for all its readers.
 *
 * @module
 */
import type { RunEvent } from "../../domain/event.ts";

/** How much of a run is kept in memory. Whoever is further behind reads the store. */
const MAX_EVENTS = 256;
const MAX_CHARACTERS = 65_536;

/** A bounded ring of a run's last events, and who waits for more. */
export class Tail {
  /** Whether this process writes the run, so that the ring is complete. */
  owned = false;
  /** Whether nothing more will come from here, because the process ends. */
  closed = false;
  /** How many hold this tail. */
  holders = 0;
  #events: RunEvent[] = [];
  #characters = 0;
  #last: number;
  #waiting = new Set<() => void>();

  constructor(last: number) {
    this.#last = last;
  }

  /** The highest `seq` known. */
  get last(): number {
    return this.#last;
  }

  /** Whether anybody waits for more. */
  get awaited(): boolean {
    return this.#waiting.size > 0;
  }

  /** Adds what was committed. What is known already is skipped; after a gap the ring begins anew. */
  push(events: readonly RunEvent[]): void {
    for (const event of events) {
      if (event.seq <= this.#last) continue;
      if (event.seq !== this.#last + 1) {
        this.#events = [];
        this.#characters = 0;
      }
      this.#events.push(event);
      this.#characters += event.data.length;
      this.#last = event.seq;
    }
    while (this.#events.length > MAX_EVENTS || (this.#characters > MAX_CHARACTERS && this.#events.length > 1)) {
      this.#characters -= this.#events.shift()!.data.length;
    }
    this.wake();
  }

  /** What follows `cursor`; undefined when the ring does not reach back that far. */
  after(cursor: number): RunEvent[] | undefined {
    const first = this.#last - this.#events.length;
    return cursor < first ? undefined : this.#events.slice(cursor - first);
  }

  /** Wakes everybody who waits. */
  wake(): void {
    const waiting = this.#waiting;
    if (waiting.size === 0) return;
    this.#waiting = new Set();
    for (const resolve of waiting) resolve();
  }

  /** Calls `resolve` once at the next wake, unless disposed before. */
  wait(resolve: () => void): void {
    this.#waiting.add(resolve);
  }

  /** Forgets a waiter. */
  leave(resolve: () => void): void {
    this.#waiting.delete(resolve);
  }
}
