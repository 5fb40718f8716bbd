/**
 * A step in which tools are called.
 *
 * @module
 */
import { AppError, CommitRefused } from "../../domain/error.ts";
import type { NewEvent } from "../../domain/event.ts";
import type { ToolRequest } from "../../domain/message.ts";
import {
  type ApprovalRow,
  type FileRow,
  isOfStep,
  type RunRow,
  type StepCallRow,
  type StepRow,
} from "../../domain/table.ts";
import { type Clock, toTime } from "../../kit/clock.ts";
import type { Store, Write } from "../../ports/store.ts";
import { toModelResult, type ToolResult } from "../../domain/tool.ts";
import type { Files } from "../files/files.ts";
import type { Tools } from "../tools/tools.ts";
import { toMeantCall } from "../tools/search.ts";
import { isOfCaller } from "./client_tools.ts";
import { failed } from "./endings.ts";
import { cancelReason, type Execution, RunEnded, stepStarted, Stop, toStep } from "./execution.ts";
import { ProgressEvents } from "./progress.ts";
import type { Questions } from "./questions.ts";
import { keepMedia } from "./tool_media.ts";
import { approvalRequired, toApprovalRow, toolResult, toToolCallRow, toToolMessage } from "./tool_rows.ts";

/** The most calls of one step: a model that asks for more is told so. */
const MAX_CALLS = 64;

/** What a {@linkcode ToolStep} needs. */
export interface ToolStepDeps {
  store: Store;
  tools: Tools;
  questions: Questions;
  files: Files;
  clock: Clock;
  /** How long a person has to decide. */
  approval_timeout_ms: number;
  /** How often a call is made when the server keeps dying in it. */
  max_attempts: number;
}

/** What a plan adds to the commit that begins the step. */
export interface Planned {
  events: NewEvent[];
  writes: Write[];
}

/** Runs tool steps. All it knows is in rows, so that any process can go on with it. */
export class ToolStep {
  #deps: ToolStepDeps;

  constructor(deps: ToolStepDeps) {
    this.#deps = deps;
  }

  /** Puts another time to decide in force; questions that are open keep theirs. */
  update({ approval_timeout_ms }: Pick<ToolStepDeps, "approval_timeout_ms">): void {
    this.#deps = { ...this.#deps, approval_timeout_ms };
  }

  /** Rows for `calls`, checked against the policy: what is pending, what waits for a person, what is refused. */
  async plan({ run, agent, delivery }: Execution, step: StepRow, calls: readonly ToolRequest[]): Promise<Planned> {
    const planned: Planned = { events: [], writes: [] };
    const rows: StepCallRow[] = [];
    for (const [i, asked] of calls.entries()) {
      const call = agent.tool_search ? toMeantCall(asked) : asked;
      const row = toToolCallRow(step, call, this.#deps.clock);
      rows.push(row);
      const refusal = refusalOf(run, call, i);
      const checked = refusal
        ? { verdict: "refused" as const, error: refusal }
        : await this.#deps.tools.check(agent, { ...call, tenant_id: run.tenant_id, eyes: delivery?.eyes });
      if (checked.verdict === "refused") {
        this.#refuse(planned, row, checked.error);
        planned.writes.push({ insert: "messages", rows: [toToolMessage(run, row, this.#deps)] });
        continue;
      }
      row.idempotent = checked.tool.idempotent;
      if (checked.verdict !== "ask") continue;
      row.status = "approval_required";
      const why = checked.reason === undefined ? "" : `: ${checked.reason}`;
      const approval = this.#toApproval(
        agent,
        row,
        "approval",
        `Agent "${run.agent_id}" wants to call "${row.tool}"${why}`,
      );
      planned.writes.push({ insert: "approvals", rows: [approval] });
      planned.events.push(approvalRequired(row, approval));
    }
    planned.writes.push({ insert: "tool_calls", rows });
    return planned;
  }

  /** Runs `step`. Resolves with the step that follows; null when the run waits for a person. */
  async run(execution: Execution, step: StepRow): Promise<StepRow | null> {
    for (;;) {
      await this.#adoptUnknown(execution, step);
      await this.#adoptDecisions(execution, step);
      const calls = await this.#calls(step);
      const ready = calls.filter((call) => call.status === "pending");
      if (ready.length > 0) {
        const made = await Promise.allSettled(ready.map((call) => this.#call(execution, call)));
        const failure = made.find((one) => one.status === "rejected");
        if (failure) throw failure.reason;
        continue;
      }
      const waiting = calls.filter((call) => call.status === "approval_required" || call.status === "unknown");
      if (waiting.length === 0) return await this.#next(execution, step);
      if (await this.#wait(execution, waiting)) return null;
    }
  }

  async #calls({ id: step_id, run_id }: StepRow): Promise<StepCallRow[]> {
    const rows = await this.#deps.store.read({
      from: "tool_calls",
      where: { run_id, step_id },
      order: [["created_at", "asc"], ["id", "asc"]],
      limit: 1000,
    });
    return rows.filter(isOfStep);
  }

  /** The intent is committed before the call, the result after it. */
  async #call(execution: Execution, call: StepCallRow): Promise<void> {
    const { log, signal, agent, run, delivery } = execution;
    const { clock, tools, questions } = this.#deps;
    const eyes = delivery?.eyes;
    const started = clock.now();
    const { step_id, tool } = call;
    signal.throwIfAborted();
    await log.record(
      [{ type: "tool.call.started", data: { tool_call_id: call.id, step_id, tool, arguments: call.arguments } }],
      {
        writes: [{
          update: "tool_calls",
          where: { id: call.id },
          set: { status: "running", started_at: toTime(started) },
        }],
      },
    );
    signal.throwIfAborted();
    const made: StepCallRow = { ...call };
    let files: FileRow[] = [];
    try {
      using _ = questions.attend({ call, agent, log });
      using progress = new ProgressEvents(call.id, { log, clock });
      const answered = await tools.call({ ...call, tool_call_id: call.id, eyes }, {
        signal,
        caller: `${run.tenant_id}/${run.key_id}`,
        user_id: run.user_id,
        audience: run.id,
        agent,
        onProgress: (now) => progress.tell(now),
      });
      const kept = await keepMedia(run, answered, this.#deps);
      files = kept.files;
      Object.assign(made, outcomeOf(tool, kept.result));
    } catch (thrown) {
      signal.throwIfAborted();
      made.status = "failed";
      made.error = AppError.from(thrown).toBody();
    }
    const seen = eyes?.sight(call.id)?.file;
    const pictures = [...files.filter(({ media_type }) => media_type.startsWith("image/")), ...seen ? [seen] : []];
    await this.#keep(execution, made, { duration_ms: clock.now() - started, files, pictures });
  }

  async #keep(
    { log, run }: Execution,
    call: StepCallRow,
    { duration_ms, files = [], pictures = [] }: { duration_ms: number; files?: FileRow[]; pictures?: FileRow[] },
  ): Promise<void> {
    const { status, result, error } = call;
    const { clock } = this.#deps;
    const set = { status, result: result ?? null, error, duration_ms, ended_at: toTime(clock.now()) };
    await log.record([toolResult(call, duration_ms)], {
      writes: [
        { update: "tool_calls", where: { id: call.id }, set },
        { insert: "messages", rows: [toToolMessage(run, call, { clock, pictures })] },
        { insert: "files", rows: files },
      ],
    });
  }

  /** After a crash: what was being called may or may not have happened. */
  async #adoptUnknown(execution: Execution, step: StepRow): Promise<void> {
    const { log, agent } = execution;
    for (const call of await this.#calls(step)) {
      if (call.status !== "running") continue;
      if (call.idempotent) {
        if (call.attempt >= this.#deps.max_attempts) await this.#giveUp(execution, step, call);
        const set = { status: "pending", attempt: call.attempt + 1 } as const;
        await log.record([], {
          writes: [
            { update: "tool_calls", where: { id: call.id }, set },
            // What its server asked was asked by a process that is gone.
            { update: "approvals", where: { id: call.id, status: "pending" }, set: { status: "withdrawn" } },
          ],
        });
        continue;
      }
      const reason = `The server ended while "${call.tool}" was called, so nobody knows whether it happened`;
      const approval = this.#toApproval(
        agent,
        call,
        "tool_outcome_unknown",
        `${reason}. Approve to call it again, deny to go on without`,
      );
      await log.record([approvalRequired(call, approval)], {
        writes: [
          { update: "tool_calls", where: { id: call.id }, set: { status: "unknown" } },
          { upsert: "approvals", row: approval },
        ],
      });
    }
  }

  /** A call that ends the server every time ends its run instead. */
  async #giveUp(execution: Execution, step: StepRow, { tool, attempt }: StepCallRow): Promise<never> {
    const { log, run } = execution;
    const message = `The server ended ${attempt} times while "${tool}" was called, so it is not tried again`;
    const error = new AppError("ProcessError", message).toBody();
    const ending = failed(run, error, { step: { ...step, error } }, this.#deps.clock);
    await log.record(ending.events, ending.change);
    execution.run = ending.run;
    throw new RunEnded(message);
  }

  /** What people decided since is done. */
  async #adoptDecisions(execution: Execution, step: StepRow): Promise<void> {
    const { log, run, agent, delivery } = execution;
    const approvals = await this.#deps.store.read({
      from: "approvals",
      where: { run_id: run.id, status: { ne: "pending" } },
      limit: 1000,
    });
    const decided = new Map(approvals.map((row) => [row.id, row]));
    for (const call of await this.#calls(step)) {
      const decision = decided.get(call.id);
      if (!decision || (call.status !== "approval_required" && call.status !== "unknown")) continue;
      const decided_by = decision.decided_by ?? "nobody";
      if (decision.status !== "approved") {
        await this.#deny(execution, call, decision);
        continue;
      }
      const checked = await this.#deps.tools.check(agent, { ...call, tool_call_id: call.id, eyes: delivery?.eyes });
      if (checked.verdict === "refused") {
        await this.#keep(execution, { ...call, status: "failed", error: checked.error.toBody() }, { duration_ms: 0 });
        continue;
      }
      await log.record([{ type: "tool.call.approved", data: { tool_call_id: call.id, decided_by } }], {
        writes: [{
          update: "tool_calls",
          where: { id: call.id },
          set: { status: "pending", attempt: call.status === "unknown" ? call.attempt + 1 : call.attempt },
        }],
      });
    }
  }

  async #deny({ log, run }: Execution, call: StepCallRow, decision: ApprovalRow): Promise<void> {
    const why = decision.status === "expired" ? "nobody decided in time" : decision.reason || "a person said no";
    const message = decision.kind === "approval"
      ? `The call was denied: ${why}`
      : `The call's outcome is unknown: ${why}`;
    const denied: StepCallRow = {
      ...call,
      status: "denied",
      error: new AppError("ForbiddenError", message).toBody(),
    };
    const set = { status: "denied", error: denied.error, ended_at: toTime(this.#deps.clock.now()) } as const;
    await log.record([
      {
        type: "tool.call.denied",
        data: { tool_call_id: call.id, decided_by: decision.decided_by ?? "nobody", reason: why },
      },
      toolResult(denied, 0),
    ], {
      writes: [
        { update: "tool_calls", where: { id: call.id }, set },
        { insert: "messages", rows: [toToolMessage(run, denied, this.#deps)] },
      ],
    });
  }

  /** Lays the run down until a person decides. False when one just did. */
  async #wait(execution: Execution, calls: StepCallRow[]): Promise<boolean> {
    const { log, run } = execution;
    const reason = calls.some((call) => call.status === "unknown") ? "tool_outcome_unknown" : "approval";
    const ids = calls.map((call) => call.id);
    const pending = await this.#deps.store.read({
      from: "approvals",
      where: { id: { in: ids }, status: "pending" },
      limit: ids.length,
    });
    if (pending.length < ids.length) return false;
    const set = { status: "waiting", waiting_for: reason, instance_id: null, lease_until: 0 } as const;
    try {
      await log.record([{ type: "run.waiting", data: { reason, tool_call_ids: ids } }], {
        preconditions: [
          { from: "runs", where: { id: run.id, cancel_requested_at: null }, exists: true },
          { from: "approvals", where: { id: { in: ids }, status: { ne: "pending" } }, exists: false },
        ],
        writes: [{ update: "runs", where: { id: run.id }, set }],
      });
    } catch (error) {
      if (!(error instanceof CommitRefused)) throw error;
      // The fence is precondition 0, so 2 says that somebody decided just now.
      if (error.index === 2) return false;
      throw new Stop("cancel", cancelReason(execution.signal));
    }
    execution.run = { ...run, ...set };
    return true;
  }

  async #next({ log, run }: Execution, step: StepRow): Promise<StepRow> {
    const next = toStep(run, step.position + 1, "model", this.#deps.clock);
    const ended_at = toTime(this.#deps.clock.now());
    await log.record([{ type: "step.completed", data: { step_id: step.id, usage: null } }, stepStarted(run, next)], {
      writes: [
        { update: "steps", where: { id: step.id }, set: { status: "completed", ended_at } },
        { insert: "steps", rows: [next] },
      ],
    });
    return next;
  }

  #refuse(planned: Planned, row: StepCallRow, error: AppError): void {
    row.status = error.name === "ForbiddenError" ? "denied" : "failed";
    row.error = error.toBody();
    row.ended_at = row.created_at;
    if (row.status === "denied") {
      const data = { tool_call_id: row.id, decided_by: "policy", reason: error.message };
      planned.events.push({ type: "tool.call.denied", data });
    }
    planned.events.push(toolResult(row, 0));
  }

  #toApproval(agent: Execution["agent"], call: StepCallRow, kind: ApprovalRow["kind"], reason: string): ApprovalRow {
    const { clock, approval_timeout_ms: timeout_ms } = this.#deps;
    return toApprovalRow(agent, call, { kind, reason, timeout_ms }, clock);
  }
}

/** What a tool's answer makes of its call: what the model reads, or the failure that it tells. */
function outcomeOf(tool: string, result: ToolResult): Pick<StepCallRow, "status" | "result" | "error"> {
  const told = toModelResult(result);
  if (!result.is_error) return { status: "completed", result: told, error: null };
  const message = typeof told === "string" ? told : `Tool "${tool}" failed`;
  const error = new AppError("UpstreamError", message, { details: { result: told } });
  return { status: "failed", result: null, error: error.toBody() };
}

/** Why a call is not even looked at. */
function refusalOf(run: RunRow, { tool }: ToolRequest, position: number): AppError | undefined {
  if (position >= MAX_CALLS) return new AppError("ValidationError", `Cannot call more than ${MAX_CALLS} tools at once`);
  if (!isOfCaller(run, tool)) return undefined;
  // The run ends where the caller's tools begin, and nothing of ours may be left open then.
  const message = `Cannot call tool "${tool}" together with others: ask for it again by itself, or with its kind`;
  return new AppError("ValidationError", message);
}
