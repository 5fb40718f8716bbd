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
    // No interval at all is the shortest one.
    this.#deps = { ...deps, delta_interval_ms: Math.max(1, deps.delta_interval_ms) };
  }

  /** The log of a run that the caller owns, from `last_seq` on. */
  open(run: { id: string; epoch: number; last_seq: number }): RunLog {
    const { store, wake, clock, tails, delta_interval_ms } = this.#deps;
    return new RunLog(run, {
      store,
      clock,
      delta_interval_ms,
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

  /**
   * How long the text of `log` waits: a moment after a pause, else to the beat
   * that all runs share, so that they share its commit too.
   */
  #wait({ dueAt }: RunLog): number {
    const { clock, delta_interval_ms } = this.#deps;
    const now = clock.now();
    if (dueAt <= now) return Math.min(GROUP_MS, delta_interval_ms);
    return Math.max(1, Math.ceil(dueAt / delta_interval_ms) * delta_interval_ms - now);
  }

  #flush(): void {
    this.#timer = undefined;
    const { clock, delta_interval_ms } = this.#deps;
    const now = clock.now();
    // From the beat, not from now: a timer that is a little late must not make the next one miss its beat.
    const next = Math.max(now - now % delta_interval_ms, now - GROUP_MS) + delta_interval_ms;
    for (const log of this.#due) {
      if (log.dueAt > now) continue;
      this.#due.delete(log);
      log.dueAt = next;
      log.flush();
    }
    if (this.#due.size === 0) return;
    const wait = Math.min(...Array.from(this.#due, (log) => this.#wait(log)));
    this.#timer = clock.after(wait, () => this.#flush());
  }
}
