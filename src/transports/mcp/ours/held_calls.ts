/**
 * Calls that wait for their client's answer, which comes with a request of its own.
 *
 * @module
 */
import type { Principal } from "../../../domain/access.ts";
import type { DirectQuestion } from "../../../domain/direct_question.ts";
import { AppError } from "../../../domain/error.ts";
import type { Clock } from "../../../kit/clock.ts";
import { createId } from "../../../kit/id.ts";
import type { Item } from "../../../operations/operation.ts";

/** The most that wait; the one that has waited for longest makes room. */
const MAX_HELD = 1000;

/** A call under way. */
export interface HeldCall {
  tool_name: string;
  principal: Principal;
  items: AsyncIterator<Item>;
  /** Ends it. */
  stop: AbortController;
}

/** One that waits, and for what. */
interface Held {
  call: HeldCall;
  question: DirectQuestion;
  late: Disposable;
}

/** See the module. What names a call is known to nobody but the client that made it. */
export class HeldCalls {
  readonly #clock: Clock;
  readonly #held = new Map<string, Held>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Keeps a call until its question is answered, or too old. Gives what the client has to bring back. */
  keep(call: HeldCall, question: DirectQuestion): string {
    const state = createId("held");
    const drop = () => this.#drop(state);
    const left = Date.parse(question.expires_at) - this.#clock.now();
    this.#held.set(state, { call, question, late: this.#clock.after(Math.max(0, left), drop) });
    call.stop.signal.addEventListener("abort", drop, { once: true });
    if (call.stop.signal.aborted) drop();
    if (this.#held.size > MAX_HELD) this.#drop(this.#held.keys().next().value!);
    return state;
  }

  /** Takes a call out, which happens once. Throws `NotFoundError` where it isn't the caller's. */
  take(state: string, { tool_name, principal }: { tool_name: string; principal: Principal }) {
    const held = this.#held.get(state);
    if (!held || held.call.tool_name !== tool_name || !isSame(held.call.principal, principal)) {
      const why = "it waits for no answer here, since it took too long or another process makes it";
      throw new AppError("NotFoundError", `Cannot go on with the call of "${tool_name}": ${why}`);
    }
    this.#held.delete(state);
    held.late[Symbol.dispose]();
    return held;
  }

  #drop(state: string): void {
    const held = this.#held.get(state);
    if (!held) return;
    this.#held.delete(state);
    held.late[Symbol.dispose]();
    held.call.stop.abort();
    // Nobody reads on, and only reading gives its place back.
    held.call.items.return?.().catch(() => {});
  }
}

function isSame(a: Principal, b: Principal): boolean {
  return a.tenant_id === b.tenant_id && a.key_id === b.key_id && a.user_id === b.user_id && a.access === b.access;
}
