/**
 * Takes a run from its open step to its end.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { ModelCallRow, StepRow } from "../../domain/table.ts";
import type { Clock } from "../../kit/clock.ts";
import type { Log } from "../../kit/log.ts";
import type { Store } from "../../ports/store.ts";
import { cancelled, failed } from "./endings.ts";
import { type Execution, type Outcome, RunEnded, Stop } from "./execution.ts";
import { toModelCallRow } from "./model_call.ts";
import type { ModelStep } from "./model_step.ts";
import type { ToolStep } from "./tool_step.ts";

/** What an {@linkcode Orchestrator} needs. */
export interface OrchestratorDeps {
  store: Store;
  modelStep: ModelStep;
  toolStep: ToolStep;
  clock: Clock;
  log: Log;
  /** How often a step is begun when the server keeps dying in it. */
  max_attempts: number;
}

/** Runs steps until a run ends or waits. */
export class Orchestrator {
  #deps: OrchestratorDeps;

  constructor(deps: OrchestratorDeps) {
    this.#deps = deps;
  }

  /**
   * Goes on with a run from `step`, or from its open step where another process
   * left it. Rejects with `Stop` when told to release it, and with
   * `OwnershipLost` when somebody took it.
   */
  async run(execution: Execution, step?: StepRow): Promise<Outcome> {
    try {
      let next = step ?? await this.#resume(execution);
      while (next) {
        execution.signal.throwIfAborted();
        const waits = next.kind !== "model";
        next = waits ? await this.#deps.toolStep.run(execution, next) : await this.#deps.modelStep.run(execution, next);
        if (!next && waits) return "waiting";
      }
      return "ended";
    } catch (thrown) {
      if (thrown instanceof RunEnded) {
        if (thrown.cause) this.#deps.log.error(thrown.message, { run_id: execution.run.id, error: thrown.cause });
        return "ended";
      }
      if (!(thrown instanceof Stop) || thrown.kind !== "cancel") throw thrown;
      const { log, run } = execution;
      const ending = cancelled(run, thrown.message, {}, this.#deps.clock);
      await log.record(ending.events, ending.change);
      execution.run = ending.run;
      return "ended";
    }
  }

  /** The step that another process left open, begun anew; null when the run had to fail. */
  async #resume(execution: Execution): Promise<StepRow | null> {
    const { run, log } = execution;
    const [step] = await this.#deps.store.read({
      from: "steps",
      where: { run_id: run.id },
      order: [["position", "desc"]],
      limit: 1,
    });
    if (run.cancel_requested_at) throw new Stop("cancel", run.cancel_reason ?? "cancelled");
    if (!step) throw new Error(`Run "${run.id}" has no step to go on with`);
    if (step.kind !== "model") return step;
    const model_call = await this.#lostCall(execution, step);
    const attempt = step.attempt + 1;
    if (attempt > this.#deps.max_attempts) {
      const error = new AppError(
        "ProcessError",
        `The server ended ${step.attempt} times while this step ran, so it is not tried again`,
      ).toBody();
      const ending = failed(run, error, { step: { ...step, error }, model_call }, this.#deps.clock);
      await log.record(ending.events, ending.change);
      execution.run = ending.run;
      return null;
    }
    await log.record([{ type: "step.restarted", data: { step_id: step.id, attempt } }], {
      writes: [
        { update: "steps", where: { id: step.id }, set: { attempt } },
        { insert: "model_calls", rows: model_call ? [model_call] : [] },
      ],
    });
    return { ...step, attempt };
  }

  /**
   * The call of the model that the death of a process cut off: what it used, nobody knows. Each attempt leaves one row,
   * and a process that had the time to say goodbye wrote it itself.
   */
  async #lostCall({ run, agent }: Execution, step: StepRow): Promise<ModelCallRow | undefined> {
    const where = { run_id: run.id, step_id: step.id };
    const [rows] = await this.#deps.store.sum({ from: "model_calls", where, sum: [], by: [] });
    if (rows && rows.count >= step.attempt) return undefined;
    const error = new AppError("ProcessError", "The server ended before the model had answered").toBody();
    return toModelCallRow(run, step, {
      provider: agent.model.provider ?? "",
      model: agent.model.model ?? "",
      tokens: { input_tokens: 0, output_tokens: 0 },
      cost: null,
      outcome: "failed",
      error,
      started_at: step.started_at,
      duration_ms: 0,
    });
  }
}
