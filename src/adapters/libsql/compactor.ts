/**
 * Gives the space of deleted rows back to the file system, a little at a time.
 *
 * @module
 */
import { systemClock } from "../../kit/clock.ts";
import type { Log } from "../../kit/log.ts";
import type { Connection } from "./connection.ts";

/** Free pages the file may keep for what comes next. */
const SPARE_PAGES = 256;
/** Pages given back at once: about a millisecond. */
const SLICE_PAGES = 64;
/** From the first deletion to the first slice, so that a job's deletions are over. */
const START_MS = 250;
const PAUSE_MS = 20;

/** Shrinks the file after rows were deleted. */
export class Compactor implements Disposable {
  readonly #connection: Connection;
  readonly #log: Log;
  #timer: Disposable | undefined;

  constructor({ connection, log }: { connection: Connection; log: Log }) {
    this.#connection = connection;
    this.#log = log;
  }

  /** Says that rows were deleted. */
  nudge(): void {
    this.#start(START_MS);
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
  }

  #start(ms: number): void {
    this.#timer ??= systemClock.after(ms, () => {
      this.#timer = undefined;
      try {
        if (this.#shrink()) this.#start(PAUSE_MS);
      } catch (error) {
        this.#connection.reset();
        this.#log.debug("Cannot give free space back now", { error });
      }
    });
  }

  #shrink(): boolean {
    const [row] = this.#connection.all({ sql: "PRAGMA freelist_count", args: [] });
    const free = Number(row?.freelist_count ?? 0);
    if (free <= SPARE_PAGES) return false;
    // Not prepared: `run` stops at the first page, and the statement then blocks every checkpoint.
    this.#connection.exec(`PRAGMA incremental_vacuum(${Math.min(SLICE_PAGES, free - SPARE_PAGES)})`);
    return true;
  }
}
