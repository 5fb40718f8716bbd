/**
 * Runs as tasks of the protocol: a task's id is its run's, so that it outlives the server's process.
 *
 * @module
 */
import { ProtocolError, ProtocolErrorCode } from "@modelcontextprotocol/server";
import { AppError } from "../../../domain/error.ts";
import { FINAL_STATUS, type Run, RunId } from "../../../domain/run.ts";
import type { Gateway } from "../../../operations/gateway.ts";
import type { Visit } from "../../../operations/operation.ts";
import { runCancel, runEvents, runGet } from "../../../operations/runs.ts";
import type { Ask, Task, Tasks } from "../catalog.ts";
import type { Decisions } from "./decisions.ts";

/** How often clients are asked to look. */
const POLL_MS = 1000;

const STATUS: Readonly<Record<Run["status"], Task["status"]>> = {
  queued: "working",
  running: "working",
  waiting: "input_required",
  completed: "completed",
  failed: "failed",
  cancelled: "cancelled",
};

/** See the module. */
export class RunTasks implements Tasks {
  #gateway: Gateway;
  #decisions: Decisions;

  constructor({ gateway, decisions }: { gateway: Gateway; decisions: Decisions }) {
    this.#gateway = gateway;
    this.#decisions = decisions;
  }

  async get(taskId: string, { visit }: Pick<Ask, "visit">): Promise<Task> {
    const run = await this.#find(taskId, visit);
    const { status, waiting_for, created_at, started_at, ended_at } = run;
    const task: Task = {
      taskId,
      status: STATUS[status],
      ...waiting_for !== null && { statusMessage: waiting_for },
      createdAt: created_at,
      lastUpdatedAt: ended_at ?? started_at ?? created_at,
      ttlMs: null,
      pollIntervalMs: POLL_MS,
    };
    if (status === "waiting" || status === "running") {
      const questions = this.#decisions.toQuestions(await this.#decisions.open(taskId, visit), visit.principal);
      // What this client can't answer is decided elsewhere.
      if (!questions) return { ...task, status: "working" };
      return { ...task, status: "input_required", inputRequests: questions as Task["inputRequests"] & object };
    }
    if (status === "completed") return { ...task, result: await this.#resultOf(run, visit) };
    if (status === "failed") {
      const message = run.error?.message ?? "The run failed";
      return { ...task, error: { code: ProtocolErrorCode.InternalError, message } };
    }
    return task;
  }

  async update(
    taskId: string,
    answers: Readonly<Record<string, unknown>>,
    { visit }: Pick<Ask, "visit">,
  ): Promise<void> {
    await this.#find(taskId, visit);
    await this.#decisions.take(taskId, { answers, visit });
  }

  async cancel(taskId: string, { visit }: Pick<Ask, "visit">): Promise<void> {
    const { status } = await this.#find(taskId, visit);
    if (FINAL_STATUS.includes(status)) return;
    const input = { run_id: taskId, reason: "cancelled by the MCP client" };
    await this.#gateway.call(runCancel, () => input, visit);
  }

  async #find(taskId: string, visit: Visit): Promise<Run> {
    try {
      if (RunId.safeParse(taskId).success) return await this.#gateway.call(runGet, () => ({ run_id: taskId }), visit);
    } catch (thrown) {
      if (AppError.from(thrown).name !== "RunNotFoundError") throw thrown;
    }
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Cannot find task "${taskId}"`);
  }

  async #resultOf({ id: run_id }: Run, visit: Visit): Promise<Task["result"] & object> {
    const answer = await this.#gateway.call(runEvents, () => ({ run_id }), visit);
    return {
      content: [{ type: "text", text: answer.message?.content ?? "" }],
      structuredContent: { ...answer, error: null },
    };
  }
}
