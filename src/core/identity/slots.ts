/**
 * How much may go on at once.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import { onDispose } from "../../kit/on_dispose.ts";

/** How many of a kind there may be. */
export interface SlotLimit {
  per_key: number;
  total: number;
}

/** The limit of each kind, such as `streams` and `requests`. */
export type SlotOptions = Readonly<Record<string, SlotLimit>>;

interface Kind {
  total: number;
  byKey: Map<string, number>;
}

/** Seconds after which a full server is worth another try. */
const RETRY_AFTER = 5;
/** Up to how many keys are kept that have nothing going on. */
const MAX_IDLE = 1000;

/** Counts what is going on, per key and in total. */
export class Slots {
  readonly #kinds = new Map<string, Kind>();
  #limits: SlotOptions;

  constructor(limits: SlotOptions) {
    this.#limits = limits;
  }

  /** Puts other limits in force; what goes on goes on. */
  update(limits: SlotOptions): void {
    this.#limits = limits;
  }

  /** How many of `kind` go on. */
  inUse(kind: string): number {
    return this.#kinds.get(kind)?.total ?? 0;
  }

  /**
   * Takes a slot until disposed. Throws `TooManyRequestsError` when `subject` (a
   * key, see `subjectOf`) has all its own, `UnavailableError` when none is left.
   */
  acquire(kind: string, subject: string): Disposable {
    const limit = this.#limits[kind];
    if (!limit) throw new AppError("ConfigurationError", `Cannot count "${kind}": it has no limit`);
    let state = this.#kinds.get(kind);
    if (!state) this.#kinds.set(kind, state = { total: 0, byKey: new Map() });
    const { byKey } = state;
    const own = byKey.get(subject) ?? 0;
    if (own >= limit.per_key) {
      throw new AppError(
        "TooManyRequestsError",
        `Cannot open more ${kind}: the key has ${own} of ${limit.per_key} at the same time`,
        { retry_after: RETRY_AFTER, details: { limit: limit.per_key, remaining: 0 } },
      );
    }
    if (state.total >= limit.total) {
      throw new AppError("UnavailableError", `Cannot open more ${kind}: the server has all of ${limit.total}`, {
        retry_after: RETRY_AFTER,
      });
    }
    byKey.set(subject, own + 1);
    state.total += 1;
    return onDispose(() => this.#release(state, subject));
  }

  #release(state: Kind, subject: string): void {
    state.total -= 1;
    const own = state.byKey.get(subject)! - 1;
    // Who comes again and again keeps a place: taking one out and putting it in again costs a new table every time.
    if (own > 0 || state.byKey.size <= MAX_IDLE) state.byKey.set(subject, own);
    else state.byKey.delete(subject);
  }
}
