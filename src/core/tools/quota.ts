/**
 * How often, and how many at a time, a tool may be called.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import { abortable } from "../../kit/abortable.ts";
import type { Clock } from "../../kit/clock.ts";
import { onDispose } from "../../kit/on_dispose.ts";
import { Recent } from "../identity/recent.ts";

/** How many callers are remembered: forgetting one gives it a full budget. */
const MAX_BUDGETS = 10_000;
/** How many calls may wait for a tool's turn. */
const MAX_WAITING = 1000;
const MINUTE = 60_000;

interface Budget {
  left: number;
  at: number;
}

interface Lane {
  busy: number;
  waiting: (() => void)[];
}

/** Counts calls. */
export class Quota {
  readonly #clock: Clock;
  readonly #budgets = new Recent<Budget>(MAX_BUDGETS);
  readonly #lanes = new Map<string, Lane>();

  constructor({ clock }: { clock: Clock }) {
    this.#clock = clock;
  }

  /** Takes one call of `tool` from what `caller` may make in a minute. Throws `TooManyRequestsError`. */
  spend(tool: string, { caller, per_minute }: { caller: string; per_minute: number }): void {
    const name = `${tool} ${caller}`;
    const now = this.#clock.now();
    let budget = this.#budgets.get(name);
    if (!budget) this.#budgets.set(name, budget = { left: per_minute, at: now });
    const { left, at } = budget;
    const filled = Math.min(per_minute, left + Math.max(0, now - at) * per_minute / MINUTE);
    if (filled < 1) {
      const retry_after = Math.ceil((1 - filled) * 60 / per_minute);
      const calls = per_minute === 1 ? "1 call" : `${per_minute} calls`;
      const message = `Cannot call tool "${tool}": its policy allows ${calls} a minute, try again in ${retry_after} s`;
      throw new AppError("TooManyRequestsError", message, { retry_after, details: { limit: per_minute } });
    }
    budget.left = filled - 1;
    budget.at = now;
  }

  /** Waits until fewer than `concurrent` calls of `tool` go on. The turn ends when the result is disposed. */
  async enter(
    tool: string,
    { concurrent, signal }: { concurrent: number; signal: AbortSignal },
  ): Promise<Disposable> {
    let lane = this.#lanes.get(tool);
    if (!lane) this.#lanes.set(tool, lane = { busy: 0, waiting: [] });
    if (lane.busy >= concurrent) await this.#wait(tool, lane, signal);
    else lane.busy++;
    const entered = lane;
    return onDispose(() => this.#leave(tool, entered));
  }

  /** Hands the turn on as it is, so that nobody slips in between. */
  #leave(tool: string, lane: Lane): void {
    const next = lane.waiting.shift();
    if (next) return next();
    if (--lane.busy === 0) this.#lanes.delete(tool);
  }

  async #wait(tool: string, lane: Lane, signal: AbortSignal): Promise<void> {
    const { waiting } = lane;
    if (waiting.length >= MAX_WAITING) {
      throw new AppError(
        "TooManyRequestsError",
        `Cannot call tool "${tool}": ${MAX_WAITING} calls wait for it already`,
        {
          retry_after: 1,
        },
      );
    }
    const turn = Promise.withResolvers<void>();
    waiting.push(turn.resolve);
    try {
      await abortable(turn.promise, signal);
    } catch (error) {
      const at = waiting.indexOf(turn.resolve);
      if (at >= 0) waiting.splice(at, 1);
      // Its turn came in the same moment.
      else this.#leave(tool, lane);
      throw error;
    }
  }
}
