/**
 * The tasks under way at a server, and which calls they are.
 *
 * @module
 */
import { AnswerMalformed } from "./request_errors.ts";

/** A task, and whoever follows it. */
export interface OpenTask {
  tool_call_id: string;
  /** Told that its state may be another now. */
  onStatus(): void;
}

/** See the module. */
export class OpenTasks {
  readonly #tasks = new Map<string, OpenTask>();
  /** Calls that are about to become tasks. */
  readonly #coming = new Set<Promise<void>>();

  /** Notes a call that may become a task, until disposed. */
  expect(): Disposable {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#coming.add(promise);
    return {
      [Symbol.dispose]: () => {
        this.#coming.delete(promise);
        resolve();
      },
    };
  }

  /** Notes a task until disposed. Throws `AnswerMalformed` when it is another call's already. */
  begin(id: string, task: OpenTask): Disposable {
    if (this.#tasks.has(id)) throw new AnswerMalformed("It gave two calls the same task");
    this.#tasks.set(id, task);
    return { [Symbol.dispose]: () => void this.#tasks.delete(id) };
  }

  /** The server told of the state of a task. */
  tell(params: unknown): void {
    const { taskId } = (params ?? {}) as { taskId?: unknown };
    this.#tasks.get(taskId as string)?.onStatus();
  }

  /** The call that the task `id` is; undefined when it is none's, or no longer. */
  async callOf(id: string): Promise<string | undefined> {
    // A question can overtake the answer that names its task.
    if (!this.#tasks.has(id)) await Promise.all(this.#coming);
    return this.#tasks.get(id)?.tool_call_id;
  }
}
