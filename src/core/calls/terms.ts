/**
 * What a caller asks of answers, and brings along, beside what is said.
 *
 * @module
 */
import { CALL_HISTORY } from "../../domain/call_history.ts";
import { AppError } from "../../domain/error.ts";
import type { RunOptions } from "../../domain/run.ts";
import type { CallMessage } from "../../domain/rtc_event.ts";
import { createId } from "../../kit/id.ts";
import { Reading } from "./reading.ts";

/** A message that waits for the next answer. */
export type WaitingMessage = CallMessage & { id: string };

/** See the module. */
export class Terms {
  /** How answers read what was said before. */
  readonly reading = new Reading();
  #options: RunOptions = {};
  /** Of the next answer that is asked for, alone. */
  #once: RunOptions | undefined;
  #messages: WaitingMessage[] = [];
  #answers = true;

  /** Whether what is said is answered by itself. */
  get answers(): boolean {
    return this.#answers;
  }

  /** Changes what is asked of every answer. */
  configure({ options, answers }: { options?: RunOptions | undefined; answers?: boolean | undefined }): void {
    if (options !== undefined) this.#options = options;
    if (answers !== undefined) this.#answers = answers;
  }

  /**
   * Keeps messages for the next answer, read behind the message `after`, or before everything where that is null. Throws
   * `TooManyRequestsError`, and then keeps none.
   */
  bring(messages: readonly CallMessage[], { after }: { after?: string | null | undefined } = {}): void {
    const { waiting } = CALL_HISTORY;
    if (this.#messages.length + messages.length > waiting) {
      throw new AppError("TooManyRequestsError", `Cannot keep more than ${waiting} messages for the next answer`);
    }
    const named = messages.map((message) => ({ ...message, id: message.id ?? createId("item") }));
    if (after !== undefined) this.reading.place(named.map(({ id }) => id), after);
    this.#messages.push(...named);
  }

  /**
   * Leaves out of answers what `name` means, see {@linkcode Reading}; what waits is dropped, and its place is that of
   * whoever stands behind it. Throws `TooManyRequestsError`.
   */
  forget(name: string): void {
    const at = this.#messages.findIndex(({ id }) => id === name);
    if (at < 0) return this.reading.forget(name);
    const { heir: id, placed } = this.reading.leave(name);
    // Where it wasn't put anywhere its place is the one in which it waits.
    const from = placed ? -1 : this.#messages.findIndex((message) => message.id === id);
    const [heir] = from < 0 ? [] : this.#messages.splice(from, 1);
    this.#messages.splice(this.#messages.findIndex((message) => message.id === name), 1, ...heir ? [heir] : []);
  }

  /** Asks for `options` in the next answer alone. */
  askOnce(options: RunOptions | undefined): void {
    this.#once = options;
  }

  /** What would go with an answer that begins now. */
  get next(): { options: RunOptions; messages: readonly WaitingMessage[] } {
    return { options: this.#once ?? this.#options, messages: this.#messages };
  }

  /** What goes with the answer that begins. */
  take(): { options: RunOptions; messages: WaitingMessage[] } {
    const options = this.#once ?? this.#options;
    this.#once = undefined;
    return { options, messages: this.#messages.splice(0) };
  }
}
