/**
 * A run in execution.
 *
 * @module
 */
import type { AgentConfig } from "../../domain/agent.ts";
import type { RunRow, StepRow } from "../../domain/table.ts";
import { type Clock, toTime } from "../../kit/clock.ts";
import { createId } from "../../kit/id.ts";
import type { Model } from "../../ports/model.ts";
import type { RunLog } from "../journal/run_log.ts";
import type { Eyes } from "../tools/look.ts";
import type { ConversationReading } from "./context.ts";

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

/**
 * Says aloud, in this process, what a run writes. A message is stored once it was said, and only as far as it was heard.
 * It goes with the process: a run that another one takes up is stored as it is written.
 */
export interface Delivery {
  /** Answers in place of the agent's model: whoever speaks may be the one who thinks, or may have begun to. */
  readonly model?: Model | undefined;
  /** Aborts when the listener wants no more of the answer: the model is stopped, and the run ends with what was heard. */
  readonly interrupted: AbortSignal;
  /** Aborts when nothing of the run is said any more; what it still writes is stored as it is. */
  readonly over: AbortSignal;
  /**
   * Takes the whole of a message, of which a part may have been said already. Resolves when it was said, or at once when
   * `signal` or `interrupted` aborts, with what was heard of it.
   */
  heard(text: string, options: { signal: AbortSignal }): Promise<string>;
  /** What the agent sees with, where the listener may show something. */
  readonly eyes?: Eyes | undefined;
  /** What of the conversation is read, where the listener changed that. */
  readonly reading?: ConversationReading | undefined;
}

/** What the steps of a run share. `run` follows what was committed. */
export interface Execution {
  run: RunRow;
  agent: AgentConfig;
  log: RunLog;
  signal: AbortSignal;
  delivery?: Delivery | undefined;
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
