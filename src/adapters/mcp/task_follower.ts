/**
 * Follows one task to its end.
 *
 * @module
 */
import { abortable } from "../../kit/abortable.ts";
import { type Clock, sleep } from "../../kit/clock.ts";
import type { McpCallOptions, Progress } from "../../ports/mcp_client.ts";
import type { DirectRequests } from "./direct_requests.ts";
import { LOOK_MS, MAX_ROUNDS } from "./limits.ts";
import type { OpenTasks } from "./open_tasks.ts";
import type { Questions } from "./questions.ts";
import { AnswerMalformed, RequestRefused, TaskLost } from "./request_errors.ts";
import { RequestTime, type TimeLimits } from "./request_time.ts";
import { type Fields, toFields } from "./shape.ts";
import type { Silence } from "./silence.ts";
import { isOver, type TaskState, toTaskState } from "./task_state.ts";

/** How many looks in a row may miss a server that can't be reached: the task outlives that. */
const MAX_MISSED = 5;

/** How long a server may take to hear that nobody waits for a task any more, in ms. */
const CANCEL_MS = 5_000;

/** What {@linkcode TaskFollower} needs. */
export interface TaskFollowerDeps extends TimeLimits {
  direct: DirectRequests;
  questions: Questions;
  tasks: OpenTasks;
  clock: Clock;
  silence: Silence;
  /** Aborts when the connection is over. */
  over: AbortSignal;
  /** Whether the server lets a task be cancelled. */
  cancels: boolean;
  /** Whether a request failed because the server couldn't be reached just then. */
  isUnreachable(error: unknown): boolean;
  call: McpCallOptions;
}

/** See the module. */
export class TaskFollower {
  readonly #deps: TaskFollowerDeps;
  /** Aborted when nothing more is to be done for the task, with the reason. */
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  /** The answer of the older era, which also carries the server's questions. */
  #result: Promise<unknown> | undefined;
  /** What was asked in the newer era. */
  readonly #asked = new Set<string>();
  #rounds = 0;
  #progress: Progress = { progress: 0 };
  #hasOwnProgress = false;
  /** Resolves when the server says that there is something to see. */
  #told = Promise.withResolvers<void>();
  #hear: () => void = () => {};

  constructor(deps: TaskFollowerDeps) {
    this.#deps = deps;
    this.#signal = AbortSignal.any([this.#stop.signal, deps.call.signal, deps.over]);
  }

  /** The result of the task as it came. A task that nobody waits for any more is cancelled. */
  async follow(first: TaskState): Promise<unknown> {
    const { tasks, call, direct, over } = this.#deps;
    const { tool_call_id } = call;
    using _ = tasks.begin(first.id, { tool_call_id, onStatus: () => this.#told.resolve() });
    let state = first;
    try {
      using time = new RequestTime(this.#deps, { ...this.#deps, onOver: (error) => this.#stop.abort(error) });
      this.#hear = () => time.hear();
      while (!isOver(state)) {
        this.#note(state);
        if (state.status === "input_required") this.#ask(state);
        await this.#pause(state.look_ms);
        state = await this.#look(state.id);
        time.hear();
      }
      return await this.#end(state);
    } catch (error) {
      if (!isOver(state)) this.cancel(state.id);
      if (this.#stop.signal.aborted) throw this.#stop.signal.reason;
      throw over.aborted && !call.signal.aborted ? direct.ending : error;
    } finally {
      this.#stop.abort(new TaskLost("The task is over"));
    }
  }

  /** The server told how far it is. */
  tell(progress: Progress): void {
    this.#hasOwnProgress = true;
    this.#progress = progress;
    this.#hear();
    this.#deps.call.onProgress?.(progress);
  }

  /** Tells the server that nobody waits for the task `id` any more. */
  cancel(id: string): void {
    const { direct, over, cancels } = this.#deps;
    const limits = { timeout_ms: CANCEL_MS, max_timeout_ms: CANCEL_MS };
    if (cancels) direct.request("tasks/cancel", { taskId: id }, { signal: over, ...limits }).catch(() => {});
  }

  /** Tells what the server says of the task. That it still works is progress, too. */
  #note({ message }: TaskState): void {
    const { progress } = this.#progress;
    this.#progress = {
      ...this.#progress,
      ...!this.#hasOwnProgress && { progress: progress + 1 },
      ...message !== undefined && { message },
    };
    this.#deps.call.onProgress?.(this.#progress);
  }

  /** Waits until the next look, or until the server says that there is something to see. */
  async #pause(ms: number): Promise<void> {
    const { clock, timeout_ms } = this.#deps;
    await sleep(clock, LOOK_MS.least, this.#signal);
    using _ = clock.after(Math.max(0, Math.min(ms, timeout_ms / 2) - LOOK_MS.least), this.#told.resolve);
    await abortable(this.#told.promise, this.#signal);
    this.#told = Promise.withResolvers();
  }

  async #look(id: string): Promise<TaskState> {
    for (let missed = 1;; missed++) {
      try {
        return toTaskState(await this.#request("tasks/get", { taskId: id }), id);
      } catch (error) {
        if (error instanceof RequestRefused) throw new TaskLost(`it lost the task: ${error.message}`);
        if (this.#signal.aborted || missed >= MAX_MISSED || !this.#deps.isUnreachable(error)) throw error;
        await this.#pause(LOOK_MS.usual * missed);
      }
    }
  }

  /** Lets the server ask what it needs to know. */
  #ask({ id, fields }: TaskState): void {
    if (!this.#deps.direct.envelope) return void this.#open(id).catch(() => {});
    const inputs = Object.entries(toFields(fields.inputRequests ?? {}, "inputRequests"));
    const fresh = inputs.filter(([key]) => !this.#asked.has(key));
    if (fresh.length === 0) return;
    if (++this.#rounds > MAX_ROUNDS) throw new AnswerMalformed(`It still asks for input after ${MAX_ROUNDS} rounds`);
    for (const [key] of fresh) this.#asked.add(key);
    this.#answer(id, fresh).catch((error) => this.#stop.abort(error));
  }

  /** Asks for the result, on whose stream the questions of the older era come. */
  #open(id: string): Promise<unknown> {
    if (this.#result) return this.#result;
    const result = this.#request("tasks/result", { taskId: id }, this.#deps.max_timeout_ms);
    // What breaks is opened again when the server still asks.
    result.catch(() => this.#result = undefined);
    return this.#result = result;
  }

  async #answer(id: string, inputs: readonly (readonly [string, unknown])[]): Promise<void> {
    const { questions, call: { tool_call_id } } = this.#deps;
    const answers = await Promise.all(inputs.map(async ([key, input]) => {
      const { method, params } = toFields(input, "inputRequest");
      return [key, await questions(String(method), params, { signal: this.#signal, tool_call_id })];
    }));
    await this.#request("tasks/update", { taskId: id, inputResponses: Object.fromEntries(answers) });
  }

  /** The result of a task that is over. */
  async #end({ id, status, message, fields }: TaskState): Promise<unknown> {
    const why = message === undefined ? "" : `: ${message}`;
    if (status === "cancelled") throw new TaskLost(`it cancelled the task${why}`);
    if (!this.#deps.direct.envelope) return await this.#resultOf(id, status, why);
    if (status === "completed") return fields.result;
    throw RequestRefused.from(toFields(fields.error ?? {}, "task's error"));
  }

  async #resultOf(id: string, status: TaskState["status"], why: string): Promise<unknown> {
    const again = () => this.#request("tasks/result", { taskId: id });
    try {
      return await (this.#result?.catch(again) ?? again());
    } catch (error) {
      if (status === "failed" && error instanceof RequestRefused) {
        throw new TaskLost(`its task failed${why === "" ? `: ${error.message}` : why}`);
      }
      throw error;
    }
  }

  #request(method: string, params: Fields, timeout_ms = this.#deps.timeout_ms): Promise<unknown> {
    const { direct, max_timeout_ms, call: { tool_call_id } } = this.#deps;
    return direct.request(method, params, { signal: this.#signal, timeout_ms, max_timeout_ms, tool_call_id });
  }
}
