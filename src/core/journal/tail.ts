/**
 * The newest events of a run, kept once for all its readers.
 *
 * @module
 */
import type { RunEvent } from "../../domain/event.ts";

/** How much of a run is kept in memory. Whoever is further behind reads the store. */
const MAX_EVENTS = 256;
const MAX_CHARACTERS = 65_536;

/** What a tail keeps: something with a place, and its JSON. */
interface Numbered {
  seq: number;
  data: string;
}

/** A bounded ring of the last events, of a run unless told otherwise, and who waits for more. */
export class Tail<E extends Numbered = RunEvent> {
  /** Whether this process writes the run, so that the ring is complete. */
  owned = false;
  /** Whether nothing more will come from here, because the process ends. */
  closed = false;
  /** How many hold this tail. */
  holders = 0;
  #events: E[] = [];
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

  /** The `seq` behind which everything is kept. */
  get start(): number {
    return this.#last - this.#events.length;
  }

  /** Whether anybody waits for more. */
  get awaited(): boolean {
    return this.#waiting.size > 0;
  }

  /** Adds what was committed. What is known already is skipped; after a gap the ring begins anew. */
  push(events: readonly E[]): void {
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
  after(cursor: number): E[] | undefined {
    return cursor < this.start ? undefined : this.#events.slice(cursor - this.start);
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
