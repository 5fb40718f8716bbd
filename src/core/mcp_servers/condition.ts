/**
 * How one tool server does, and when it is looked at next.
 *
 * @module
 */
import type { McpServerState } from "../../domain/mcp_server.ts";
import type { Clock } from "../../kit/clock.ts";

/** A state with its reason, and the one task that is planned for it: it goes with the state. */
export class Condition {
  state: McpServerState = "stopped";
  reason: string | null = null;
  /** Whether it is stopped because nobody needs it now. */
  resting = false;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  #timer: Disposable | undefined;

  /** Nothing is planned any more once `signal` aborted. */
  constructor({ clock, signal }: { clock: Clock; signal: AbortSignal }) {
    this.#clock = clock;
    this.#signal = signal;
  }

  /** Enters a state. */
  to(state: McpServerState, reason: string | null): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    this.state = state;
    this.reason = reason;
    this.resting = false;
  }

  /** Does `task` after `ms`, instead of what was planned before. */
  plan(ms: number, task: () => void): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = this.#signal.aborted ? undefined : this.#clock.after(ms, task);
  }
}
