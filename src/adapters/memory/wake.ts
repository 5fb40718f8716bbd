/**
 * Wakes within one process.
 *
 * @module
 */
import type { Log } from "../../kit/log.ts";
import type { Wake } from "../../ports/wake.ts";

/** A {@linkcode Wake} that calls its listeners before `notify` returns. */
export class MemoryWake implements Wake {
  readonly #log: Log;
  readonly #topics = new Map<string, Set<{ listener: () => void }>>();

  constructor({ log }: { log: Log }) {
    this.#log = log;
  }

  notify(topic: string): void {
    const entries = this.#topics.get(topic);
    if (entries === undefined) return;
    // A copy, or a listener that subscribes again would be called for ever.
    for (const entry of [...entries]) {
      if (!entries.has(entry)) continue;
      try {
        entry.listener();
      } catch (error) {
        this.#log.error("A listener failed", { topic, error });
      }
    }
  }

  subscribe(topic: string, listener: () => void): Disposable {
    const entries = this.#topics.get(topic) ?? new Set();
    const entry = { listener };
    this.#topics.set(topic, entries.add(entry));
    return {
      [Symbol.dispose]: () => {
        entries.delete(entry);
        if (entries.size === 0 && this.#topics.get(topic) === entries) this.#topics.delete(topic);
      },
    };
  }

  /** How many topics have a listener. */
  get size(): number {
    return this.#topics.size;
  }
}
