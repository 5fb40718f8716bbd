/**
 * How much of its history a client may change, counted before it is told that something has changed: what the call
 * itself would refuse it would refuse too late.
 *
 * @module
 */
import { CALL_HISTORY } from "../../../domain/call_history.ts";
import { AppError } from "../../../domain/error.ts";

/**
 * How many messages may wait for an answer. The call takes more: those that come while an answer begins are still
 * counted here with what that one took.
 */
const MAX_WAITING = 100;

/** See the module. */
export class HistoryMeter {
  #waiting = new Set<string>();
  #changes = 0;

  /** Counts the message `name`, which may be put to a place. Throws `TooManyRequestsError`. */
  bring(name: string, { placed }: { placed: boolean }): void {
    if (this.#waiting.size >= MAX_WAITING) {
      throw refuse(`Cannot keep more than ${MAX_WAITING} items for the next response`);
    }
    if (placed) this.change();
    this.#waiting.add(name);
  }

  /** Counts what the caller says: it may wait, too. */
  wait(name: string): void {
    if (this.#waiting.size < MAX_WAITING) this.#waiting.add(name);
  }

  /** Counts a change of what is read. Throws `TooManyRequestsError`. */
  change(): void {
    const { changes } = CALL_HISTORY;
    if (this.#changes >= changes) throw refuse(`Cannot change more than ${changes} items of a call`);
    this.#changes++;
  }

  /** The message `name` no longer waits. */
  drop(name: string): void {
    this.#waiting.delete(name);
  }

  /** An answer has begun: it took what waited. */
  answered(): void {
    this.#waiting.clear();
  }
}

function refuse(message: string): AppError {
  return new AppError("TooManyRequestsError", message);
}
