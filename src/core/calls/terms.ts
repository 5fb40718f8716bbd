/**
 * What a caller asks of answers, and brings along, beside what is said.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { GivenMessage } from "../../domain/message.ts";
import type { RunOptions } from "../../domain/run.ts";

/** How many messages may wait for the next answer. */
const MAX_MESSAGES = 100;

/** See the module. */
export class Terms {
  #options: RunOptions = {};
  /** Of the next answer that is asked for, alone. */
  #once: RunOptions | undefined;
  #messages: GivenMessage[] = [];
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

  /** Keeps messages for the next answer. Throws `TooManyRequestsError`. */
  bring(messages: readonly GivenMessage[]): void {
    if (this.#messages.length + messages.length > MAX_MESSAGES) {
      throw new AppError("TooManyRequestsError", `Cannot keep more than ${MAX_MESSAGES} messages for the next answer`);
    }
    this.#messages.push(...messages);
  }

  /** Asks for `options` in the next answer alone. */
  askOnce(options: RunOptions | undefined): void {
    this.#once = options;
  }

  /** What would go with an answer that begins now. */
  get next(): { options: RunOptions; messages: readonly GivenMessage[] } {
    return { options: this.#once ?? this.#options, messages: this.#messages };
  }

  /** What goes with the answer that begins. */
  take(): { options: RunOptions; messages: GivenMessage[] } {
    const options = this.#once ?? this.#options;
    this.#once = undefined;
    return { options, messages: this.#messages.splice(0) };
  }
}
