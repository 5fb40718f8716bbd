/**
 * The tails of all runs that are written or followed here.
 *
 * @module
 */
import type { Clock } from "../../kit/clock.ts";
import type { Store } from "../../ports/store.ts";
import type { Wake } from "../../ports/wake.ts";
import { Tail } from "./tail.ts";

/** How often to look by ourselves, in case a wake was lost. */
const LOOK_MS = 1000;
const PAGE = 200;

/** The topic that tells of new events of `run_id`. */
export function topicOf(run_id: string): string {
  return `run:${run_id}`;
}

/** A tail held until disposed. */
export interface HeldTail extends Disposable {
  tail: Tail;
}

interface Entry {
  tail: Tail;
  wakes: Disposable;
  reading: boolean;
}

/** Shares one {@linkcode Tail} a run between its writer and all its readers. */
export class Tails implements Disposable {
  #store: Store;
  #wake: Wake;
  #entries = new Map<string, Entry>();
  #looking: Disposable;
  #closed = false;

  constructor({ store, wake, clock }: { store: Store; wake: Wake; clock: Clock }) {
    this.#store = store;
    this.#wake = wake;
    this.#looking = clock.every(LOOK_MS, () => this.#look());
  }

  /** Holds the tail of `run_id`, whose events up to `last` are stored. */
  hold(run_id: string, last: number): HeldTail {
    let entry = this.#entries.get(run_id);
    if (!entry) {
      const tail = new Tail(last);
      tail.closed = this.#closed;
      const wakes = this.#wake.subscribe(topicOf(run_id), () => void this.#read(run_id));
      entry = { tail, wakes, reading: false };
      this.#entries.set(run_id, entry);
      // Something may have been written between the caller's look and this one.
      queueMicrotask(() => void this.#read(run_id));
    }
    const { tail, wakes } = entry;
    tail.holders++;
    let held = true;
    return {
      tail,
      [Symbol.dispose]: () => {
        if (!held) return;
        held = false;
        if (--tail.holders > 0) return;
        wakes[Symbol.dispose]();
        this.#entries.delete(run_id);
      },
    };
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#looking[Symbol.dispose]();
    for (const { tail, wakes } of this.#entries.values()) {
      wakes[Symbol.dispose]();
      tail.closed = true;
      tail.wake();
    }
    this.#entries.clear();
  }

  #look(): void {
    for (const [run_id, { tail }] of this.#entries) {
      if (!tail.owned && tail.awaited) void this.#read(run_id);
    }
  }

  /** Reads once, for all readers, what another process wrote. */
  async #read(run_id: string): Promise<void> {
    const entry = this.#entries.get(run_id);
    if (!entry || entry.reading || entry.tail.owned) return;
    entry.reading = true;
    try {
      const { tail } = entry;
      const events = await this.#store.read({
        from: "events",
        where: { run_id, seq: { gt: tail.last } },
        order: [["seq", "asc"]],
        limit: PAGE,
      });
      if (events.length > 0) tail.push(events);
    } catch {
      // The next look, a second from now, tries again.
    } finally {
      entry.reading = false;
    }
  }
}
