/**
 * Calls of tools that go on as tasks.
 *
 * In the older era (2025-11-25) we ask for a task where a tool wants one; in the
 * newer a server that offers the extension makes a task of whichever call it likes.
 *
 * @module
 */
import { abortable } from "../../kit/abortable.ts";
import type { McpCallOptions, Progress } from "../../ports/mcp_client.ts";
import { TaskBroken } from "./request_errors.ts";
import { type Fields, toFields } from "./shape.ts";
import { TaskFollower, type TaskFollowerDeps } from "./task_follower.ts";
import { type TaskState, toTaskId, toTaskState } from "./task_state.ts";

/** How long the answer to a call that nobody waits for any more may take to name its task, in ms. */
const LATE_MS = 5_000;

/** What {@linkcode TaskCalls} needs. */
export type TaskCallsDeps = Omit<TaskFollowerDeps, "call" | "onProgress">;

/** See the module. Everything that rejects once there is a task rejects with `TaskBroken`. */
export class TaskCalls {
  readonly #deps: TaskCallsDeps;

  constructor(deps: TaskCallsDeps) {
    this.#deps = deps;
  }

  /** Calls a tool of the older era as a task, and gives its result as it came. */
  async make(tool: string, args: Fields, call: McpCallOptions): Promise<unknown> {
    const { direct, tasks, over, timeout_ms, max_timeout_ms } = this.#deps;
    const given = new AbortController();
    let onProgress = (_: Progress) => {};
    using hearing = direct.hear((progress) => onProgress(progress));
    const params = {
      name: tool,
      arguments: args,
      task: { ttl: max_timeout_ms },
      _meta: { progressToken: hearing.token },
    };
    const { tool_call_id } = call;
    const signal = AbortSignal.any([given.signal, over]);
    const request = direct.request("tools/call", params, { signal, timeout_ms, max_timeout_ms, tool_call_id });
    using expected = tasks.expect();
    const answer = await abortable(request, call.signal).catch((error) => {
      if (call.signal.aborted) this.#cancelLate(request, { given, call });
      throw error;
    });
    const { task } = toFields(answer, "answer");
    // Who knows no tasks answers as ever.
    if (task === undefined) return answer;
    const follower = new TaskFollower({ ...this.#deps, call });
    onProgress = (progress) => follower.tell(progress);
    const result = follow(follower, task);
    expected[Symbol.dispose]();
    return await result;
  }

  /** Follows the task that a call of the newer era became. */
  async follow(answer: unknown, call: McpCallOptions): Promise<unknown> {
    return await follow(new TaskFollower({ ...this.#deps, call }), answer);
  }

  /** A task that begins after its call was given up is cancelled all the same. */
  #cancelLate(request: Promise<unknown>, { given, call }: { given: AbortController; call: McpCallOptions }): void {
    const enough = this.#deps.clock.after(LATE_MS, () => given.abort(call.signal.reason));
    request.then((answer) => {
      const { task } = toFields(answer, "answer");
      if (task !== undefined) new TaskFollower({ ...this.#deps, call }).cancel(toTaskId(task));
    }).catch(() => {}).finally(() => enough[Symbol.dispose]());
  }
}

/** Follows the task whose first state is `first`, as it came. */
async function follow(follower: TaskFollower, first: unknown): Promise<unknown> {
  try {
    const id = toTaskId(first);
    return await follower.follow(toFirstState(first, () => follower.cancel(id)));
  } catch (error) {
    throw new TaskBroken(error);
  }
}

/** There is a task even where its state makes no sense: then `cancel` is called. */
function toFirstState(value: unknown, cancel: () => void): TaskState {
  try {
    return toTaskState(value);
  } catch (error) {
    cancel();
    throw error;
  }
}
