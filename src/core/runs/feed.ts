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

/** The most events that are read at once. */
const MAX_PAGE = 200;
/** The first page is small, and the next at most so many times larger: events can be large, and readers many. */
const MIN_PAGE = 4;
/** About how many characters of a run a reader holds. */
const PAGE_CHARACTERS = 65_536;

/** How a log is followed. */
export interface FollowOptions {
  signal: AbortSignal;
  /** Whether to wait for what is still to come. */
  follow?: boolean;
}

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
  async open(
    run: RunRow,
    cursor: number,
    { signal, follow = true }: FollowOptions,
  ): Promise<AsyncGenerator<RunEvent> | null> {
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
    return this.#follow(run.id, { cursor, last, signal, until: follow ? Infinity : last });
  }

  /** The log of a run that was just started, from its beginning to its end. */
  begin(run: RunRow, signal: AbortSignal): AsyncGenerator<RunEvent> {
    return this.#follow(run.id, { cursor: 0, last: 0, signal, until: Infinity });
  }

  async *#follow(
    run_id: string,
    { cursor, last, signal, until }: { cursor: number; last: number; signal: AbortSignal; until: number },
  ): AsyncGenerator<RunEvent> {
    if (cursor >= until) return;
    using held = this.#deps.tails.hold(run_id, last);
    const { tail } = held;
    let page = MIN_PAGE;
    let resolve = () => {};
    const stop = () => resolve();
    signal.addEventListener("abort", stop, { once: true });
    try {
      while (!signal.aborted) {
        let events = tail.after(cursor);
        if (!events) {
          events = await this.#read(run_id, cursor, page);
          page = toNextPage(events);
          // A run can be removed, or lose its deltas, while somebody is far behind.
          if (events.length === 0) throw gone(run_id, cursor);
        }
        for (const event of events) {
          if (event.seq !== cursor + 1) throw gone(run_id, cursor);
          cursor = event.seq;
          yield event;
          if (isFinal(event.type) || cursor >= until) return;
          if (signal.aborted) return;
        }
        // The signal may have come while the store was read: then nobody would wake us.
        if (events.length === 0 && !signal.aborted) {
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

  #read(run_id: string, cursor: number, limit: number): Promise<RunEvent[]> {
    return this.#deps.store.read({
      from: "events",
      where: { run_id, seq: { gt: cursor } },
      order: [["seq", "asc"]],
      limit,
    });
  }
}

/** How many events to read after `events`, so that a page of their kind holds {@linkcode PAGE_CHARACTERS}. */
function toNextPage(events: readonly RunEvent[]): number {
  const characters = events.reduce((sum, { data }) => sum + data.length, 1);
  const fitting = Math.floor(events.length * PAGE_CHARACTERS / characters);
  return Math.max(1, Math.min(fitting, events.length * MIN_PAGE, MAX_PAGE));
}

function gone(run_id: string, cursor: number): AppError {
  return new AppError(
    "GoneError",
    `Cannot follow run "${run_id}" after event ${cursor}: what comes next is no longer kept`,
    { details: { cursor } },
  );
}
