/**
 * The log of one run in the hands of its owner, the only one who writes it.
 *
 * @module
 */
import { AppError, CommitRefused } from "../../domain/error.ts";
import { EVENT_VERSION, type EventType, type NewEvent, type RunEvent } from "../../domain/event.ts";
import { type Clock, toTime } from "../../kit/clock.ts";
import type { Change, Precondition, Store, Write } from "../../ports/store.ts";
import type { HeldTail } from "./tails.ts";

/** Somebody else owns the run now: stop, and write nothing more. */
export class OwnershipLost extends Error {
  override readonly name = "OwnershipLost";
}

interface Delta {
  type: EventType;
  step_id: string;
  text: string;
}

/** What a {@linkcode RunLog} needs from its journal. */
export interface RunLogDeps {
  store: Store;
  clock: Clock;
  held: HeldTail;
  /** The least time between two deltas, in milliseconds. */
  delta_interval_ms: number;
  /** Tells the others. */
  announce(run_id: string): void;
  /** Asks for a {@linkcode RunLog.flush} in a moment. */
  later(log: RunLog): void;
}

/**
 * Numbers events, commits them together with the change that they report, and
 * announces them after that. One commit is under way at a time; text that comes
 * meanwhile joins into one delta.
 */
export class RunLog implements Disposable {
  readonly run_id: string;
  readonly epoch: number;
  /** When the next delta may go out. */
  dueAt = 0;
  #deps: RunLogDeps;
  #seq: number;
  #pending: Delta[] = [];
  #turn: Promise<unknown> = Promise.resolve();
  #failure: unknown;
  #closed = false;
  #begun = new Set<string>();

  constructor(run: { id: string; epoch: number; last_seq: number }, deps: RunLogDeps) {
    this.run_id = run.id;
    this.epoch = run.epoch;
    this.#seq = run.last_seq;
    this.#deps = deps;
    deps.held.tail.owned = true;
  }

  /** The `seq` of the last event committed. */
  get seq(): number {
    return this.#seq;
  }

  /**
   * Commits `change` and `events` in one transaction, fenced by the epoch, with
   * all text before them. Rejects with {@linkcode OwnershipLost}, or with
   * `CommitRefused` when a precondition of `change` does not hold: then nothing
   * happened, and the log goes on.
   */
  record(events: readonly NewEvent[], change: Partial<Change> = {}): Promise<void> {
    return this.#enqueue(() => this.#commit(events, change, true));
  }

  /** Like {@linkcode record}, for the change that creates the run or takes it over: the epoch isn't there yet. */
  open(events: readonly NewEvent[], change: Change): Promise<void> {
    return this.#enqueue(() => this.#commit(events, change, false));
  }

  /**
   * Adds text of a step: the first piece goes out at once, the rest in a moment.
   * Throws once the log can't be written, so that nobody goes on for nothing.
   */
  delta(type: "model.delta" | "model.reasoning.delta", step_id: string, text: string): void {
    this.#checkOpen();
    const last = this.#pending.at(-1);
    if (last && last.type === type && last.step_id === step_id) {
      last.text += text;
      return;
    }
    this.#pending.push({ type, step_id, text });
    if (this.#begun.has(step_id)) this.#deps.later(this);
    else {
      this.#begun.add(step_id);
      this.dueAt = this.#deps.clock.now() + this.#deps.delta_interval_ms;
      this.flush();
    }
  }

  /** Commits the text that is waiting. A failure shows at the next {@linkcode record}. */
  flush(): void {
    if (this.#pending.length === 0) return;
    this.#enqueue(() => this.#commit([], {}, true)).catch((error) => this.#failure ??= error);
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#deps.held.tail.owned = false;
    this.#deps.held[Symbol.dispose]();
  }

  #checkOpen(): void {
    if (this.#failure) throw this.#failure;
    // Made only when somebody asks: every log closes, and an error costs more than an event.
    if (this.#closed) throw new OwnershipLost("The log was closed");
  }

  #enqueue(work: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  async #commit(added: readonly NewEvent[], change: Partial<Change>, fenced: boolean): Promise<void> {
    this.#checkOpen();
    const deltas = this.#pending;
    this.#pending = [];
    const events = this.#number(deltas, added);
    if (events.length === 0 && !change.writes?.length) return;
    const rows: Write[] = events.length === 0 ? [] : [{
      insert: "events",
      rows: events.map((event) => ({ ...event, v: EVENT_VERSION })),
    }];
    const fence: Precondition[] = fenced
      ? [{ from: "runs", where: { id: this.run_id, epoch: this.epoch }, exists: true }]
      : [];
    try {
      await this.#deps.store.commit({
        preconditions: [...fence, ...change.preconditions ?? []],
        writes: [...change.writes ?? [], ...rows],
      });
    } catch (error) {
      throw this.#refused(error, deltas, fenced);
    }
    this.#seq += events.length;
    if (deltas.length > 0 && added.length > 0) this.dueAt = this.#deps.clock.now() + this.#deps.delta_interval_ms;
    if (events.length === 0) return;
    this.#deps.held.tail.push(events);
    this.#deps.announce(this.run_id);
  }

  /** Decides what a failed commit means for what comes after it. */
  #refused(error: unknown, deltas: Delta[], fenced: boolean): unknown {
    const own = !fenced || (error instanceof CommitRefused && error.reason === "precondition" && error.index > 0);
    if (error instanceof CommitRefused && own) {
      this.#pending.unshift(...deltas);
      return error;
    }
    this.#failure = error instanceof AppError ? error : new OwnershipLost("Another process owns the run");
    if (!(error instanceof CommitRefused) && !(error instanceof AppError)) this.#failure = error;
    return this.#failure;
  }

  #number(deltas: Delta[], added: readonly NewEvent[]): RunEvent[] {
    const { run_id } = this;
    let seq = this.#seq;
    const events: RunEvent[] = deltas.map(({ type, step_id, text }) => ({
      run_id,
      seq: ++seq,
      type,
      data: JSON.stringify({ step_id, text }),
    }));
    const time = toTime(this.#deps.clock.now());
    for (const { type, data } of added) {
      events.push({ run_id, seq: ++seq, type, data: JSON.stringify({ run_id, time, ...data }) });
    }
    return events;
  }
}
