/**
 * The only writer of events: stored first, announced after.
 *
 * @module
 */
import type { RunEvent } from "../../domain/event.ts";
import type { Clock } from "../../kit/clock.ts";
import type { Store } from "../../ports/store.ts";
import type { Wake } from "../../ports/wake.ts";
import { RunLog } from "./run_log.ts";
import { type Tails, topicOf } from "./tails.ts";

/** Deltas that become due this close to each other share a commit. */
const GROUP_MS = 5;

/** What a {@linkcode Journal} needs. */
export interface JournalDeps {
  store: Store;
  wake: Wake;
  clock: Clock;
  tails: Tails;
  /** The least time between two deltas of a run, in milliseconds. */
  delta_interval_ms: number;
}

/** Opens the logs of runs, and flushes their text together. */
export class Journal implements Disposable {
  #deps: JournalDeps;
  #due = new Set<RunLog>();
  #timer: Disposable | undefined;

  constructor(deps: JournalDeps) {
    this.#deps = deps;
  }

  /** The log of a run that the caller owns, from `last_seq` on. */
  open(run: { id: string; epoch: number; last_seq: number }): RunLog {
    const { store, wake, clock, tails } = this.#deps;
    return new RunLog(run, {
      store,
      clock,
      held: tails.hold(run.id, run.last_seq),
      announce: (run_id) => wake.notify(topicOf(run_id)),
      later: (log) => this.#later(log),
    });
  }

  /** The last event stored for `run_id`. */
  async last(run_id: string): Promise<RunEvent | undefined> {
    const [last] = await this.#deps.store.read({
      from: "events",
      where: { run_id },
      order: [["seq", "desc"]],
      limit: 1,
    });
    return last;
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    for (const log of this.#due) log.flush();
    this.#due.clear();
  }

  #later(log: RunLog): void {
    this.#due.add(log);
    this.#timer ??= this.#deps.clock.after(this.#wait(log), () => this.#flush());
  }

  #wait(log: RunLog): number {
    const due = log.flushedAt + this.#deps.delta_interval_ms - this.#deps.clock.now();
    return Math.min(Math.max(due, GROUP_MS), this.#deps.delta_interval_ms);
  }

  #flush(): void {
    this.#timer = undefined;
    const { clock, delta_interval_ms } = this.#deps;
    const ripe = clock.now() - delta_interval_ms;
    for (const log of this.#due) {
      if (log.flushedAt > ripe) continue;
      this.#due.delete(log);
      log.flush();
    }
    if (this.#due.size === 0) return;
    const next = Math.min(...Array.from(this.#due, (log) => this.#wait(log)));
    this.#timer = clock.after(next, () => this.#flush());
  }
}
