/**
 * A run in execution.
 *
 * @module
 */
import type { AgentConfig } from "../../domain/agent.ts";
import type { RunRow, StepRow } from "../../domain/table.ts";
import { type Clock, toTime } from "../../kit/clock.ts";
import { createId } from "../../kit/id.ts";
import type { RunLog } from "../journal/run_log.ts";

/** Why an execution was told to stop. The reason of its signal. */
export class Stop extends Error {
  override readonly name = "Stop";
  /** `cancel` ends the run; `release` leaves it to whoever takes it up next. */
  readonly kind: "cancel" | "release";

  constructor(kind: "cancel" | "release", reason: string) {
    super(reason);
    this.kind = kind;
  }
}

/** Why a run is cancelled that was asked to while it did something else: in the words of who asked, if they are here. */
export function cancelReason({ reason }: AbortSignal): string {
  return reason instanceof Stop && reason.kind === "cancel" ? reason.message : "cancelled";
}

/** The run has ended inside a step; nothing is left to do. `cause` is what the operator should know. */
export class RunEnded extends Error {
  override readonly name = "RunEnded";
}

/** What the steps of a run share. `run` follows what was committed. */
export interface Execution {
  run: RunRow;
  agent: AgentConfig;
  log: RunLog;
  signal: AbortSignal;
}

/** What became of an execution. */
export type Outcome = "ended" | "waiting";

/** The row of a run's next step. */
export function toStep(run: RunRow, position: number, kind: StepRow["kind"], clock: Clock): StepRow {
  const { tenant_id, key_id, user_id, id } = run;
  return {
    tenant_id,
    key_id,
    user_id,
    id: createId("step"),
    run_id: id,
    position,
    kind,
    status: "running",
    attempt: 1,
    model: null,
    usage: null,
    error: null,
    output: null,
    started_at: toTime(clock.now()),
    ended_at: null,
  };
}

/** The event that tells of a new step. */
export function stepStarted(run: RunRow, step: StepRow) {
  return { type: "step.started", data: { step_id: step.id, kind: step.kind, agent_id: run.agent_id } } as const;
}
