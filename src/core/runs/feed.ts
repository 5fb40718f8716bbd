/**
 * Following a run from any event seen to its end.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import { isFinal, type RunEvent } from "../../domain/event.ts";
import type { RunRow } from "../../domain/table.ts";
import type { Store } from "../../ports/store.ts";
import type { Journal } from "../journal/journal.ts";
import type { Tails } from "../journal/tails.ts";

const PAGE = 200;

/** What a {@linkcode Feed} needs. */
export interface FeedDeps {
  store: Store;
  journal: Journal;
  tails: Tails;
}

/** Gives readers what they have not seen: from the ring, or else from the store. */
export class Feed {
  #deps: FeedDeps;

  constructor(deps: FeedDeps) {
    this.#deps = deps;
  }

  /**
   * What follows `cursor` in the log of `run`, to the end; null when nothing
   * does and the run is over. Rejects with `ConflictError` for a cursor beyond
   * the end and with `GoneError` for one that retention has passed.
   */
  async open(run: RunRow, cursor: number, signal: AbortSignal): Promise<AsyncGenerator<RunEvent> | null> {
    const end = await this.#deps.journal.last(run.id);
    const last = end?.seq ?? 0;
    if (cursor > last) {
      throw new AppError(
        "ConflictError",
        `Cannot resume run "${run.id}" after event ${cursor}: the last one is ${last}`,
        {
          details: { cursor, last },
        },
      );
    }
    if (cursor < run.pruned_seq) {
      throw new AppError(
        "GoneError",
        `Cannot resume run "${run.id}" after event ${cursor}: events up to ${run.pruned_seq} are no longer kept`,
        { details: { cursor, first: run.pruned_seq } },
      );
    }
    // The row may be older than the log: only the last event tells for sure.
    if (cursor === last && end && isFinal(end.type)) return null;
    return this.#follow(run.id, { cursor, last, signal });
  }

  async *#follow(
    run_id: string,
    { cursor, last, signal }: { cursor: number; last: number; signal: AbortSignal },
  ): AsyncGenerator<RunEvent> {
    using held = this.#deps.tails.hold(run_id, last);
    const { tail } = held;
    let resolve = () => {};
    const stop = () => resolve();
    signal.addEventListener("abort", stop, { once: true });
    try {
      while (!signal.aborted) {
        const events = tail.after(cursor) ?? await this.#read(run_id, cursor);
        for (const event of events) {
          cursor = event.seq;
          yield event;
          if (isFinal(event.type)) return;
          if (signal.aborted) return;
        }
        if (events.length === 0) {
          if (tail.closed) return;
          await new Promise<void>((done) => {
            resolve = done;
            tail.wait(done);
          });
        }
      }
    } finally {
      tail.leave(resolve);
      signal.removeEventListener("abort", stop);
    }
  }

  #read(run_id: string, cursor: number): Promise<RunEvent[]> {
    return this.#deps.store.read({
      from: "events",
      where: { run_id, seq: { gt: cursor } },
      order: [["seq", "asc"]],
      limit: PAGE,
    });
  }
}
