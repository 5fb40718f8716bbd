/**
 * Runs, as callers see them.
 *
 * @module
 */
import { allows, listableBy, type Principal, visibleTo } from "../../domain/access.ts";
import { AppError, CommitRefused } from "../../domain/error.ts";
import type { RunEvent } from "../../domain/event.ts";
import { type Page, type PageRequest, toPage } from "../../domain/page.ts";
import { FINAL_STATUS, type RunOptions, type RunStatus } from "../../domain/run.ts";
import { type ApprovalRow, isOfStep, type RunRow, type StepCallRow, type StepRow } from "../../domain/table.ts";
import { type Clock, toTime } from "../../kit/clock.ts";
import type { Store, Where } from "../../ports/store.ts";
import type { Wake } from "../../ports/wake.ts";
import type { Agents } from "../agents/agents.ts";
import type { Files } from "../files/files.ts";
import { cancelled } from "../orchestrator/endings.ts";
import type { Questions } from "../orchestrator/questions.ts";
import type { Tools } from "../tools/tools.ts";
import type { Engine } from "./engine.ts";
import type { Feed, FollowOptions } from "./feed.ts";
import type { BroughtMessage } from "./placement.ts";
import type { Started, Starter, StartRequest } from "./starter.ts";
import { decided, instanceTopic } from "./supervisor.ts";

/** The most steps and tool calls of a run that are shown. */
const MAX_STEPS = 1000;

/** A person's decision about a tool call. */
export interface Decision {
  decision: "approve" | "deny";
  arguments?: Record<string, unknown> | undefined;
  reason?: string | undefined;
}

/** Messages to answer. */
export interface RespondRequest extends Omit<StartRequest, "conversation_id" | "ephemeral"> {
  messages: BroughtMessage[];
  options: RunOptions;
  /** Whether a new conversation is kept. */
  store: boolean;
}

/** What {@linkcode Runs} needs. */
export interface RunsDeps {
  store: Store;
  wake: Wake;
  clock: Clock;
  agents: Agents;
  files: Files;
  tools: Tools;
  questions: Questions;
  starter: Starter;
  engine: Engine;
  feed: Feed;
}

/** Starts, shows, follows, cancels runs, and takes decisions for them. */
export class Runs {
  #deps: RunsDeps;

  constructor(deps: RunsDeps) {
    this.#deps = deps;
  }

  /** Starts a run; with `multitask: interrupt` the ones before it are cancelled. */
  async start(principal: Principal, request: StartRequest): Promise<Started> {
    const started = await this.#deps.starter.start(principal, request);
    for (const run of started.interrupts) await this.#cancel(run, `interrupted by run "${started.run.id}"`);
    return started;
  }

  /** Answers messages that the caller keeps. What the system says before them is for this answer only. */
  async respond(
    principal: Principal,
    { messages, options, store, ...rest }: RespondRequest,
  ): Promise<Started> {
    const spoken = messages.findIndex(({ role }) => role !== "system");
    const first = spoken === -1 ? messages.length : spoken;
    const told = [options.instructions ?? "", ...messages.slice(0, first).map(({ content }) => content)];
    const instructions = told.filter((text) => text !== "").join("\n\n");
    return await this.start(principal, {
      ...rest,
      messages: messages.slice(first),
      options: { ...options, ...instructions !== "" && { instructions } },
      ephemeral: !store,
    });
  }

  /** The run `id`, if `principal` may see it. */
  async get(principal: Principal, id: string): Promise<RunRow> {
    const [row] = await this.#deps.store.read({ from: "runs", where: { id, ...visibleTo(principal) }, limit: 1 });
    if (!row) throw new AppError("RunNotFoundError", `Cannot find run "${id}"`);
    return row;
  }

  /** A page of runs. */
  async list(
    principal: Principal,
    { limit, cursor, order }: PageRequest,
    filter: { conversation_id?: string | undefined; agent_id?: string | undefined; status?: RunStatus | undefined },
  ): Promise<Page<RunRow>> {
    const { conversation_id, agent_id, status } = filter;
    const where: Where<"runs"> = {
      ...conversation_id === undefined ? listableBy(principal) : visibleTo(principal),
      ...conversation_id !== undefined && { conversation_id },
      ...agent_id !== undefined && { agent_id },
      ...status !== undefined && { status },
      ...cursor !== undefined && { id: order === "asc" ? { gt: cursor } : { lt: cursor } },
    };
    const rows = await this.#deps.store.read({ from: "runs", where, order: [["id", order]], limit: limit + 1 });
    return toPage(rows, limit, (row) => row.id);
  }

  /** The steps of a run, with their tool calls. */
  async steps(principal: Principal, id: string): Promise<{ step: StepRow; tool_calls: StepCallRow[] }[]> {
    const { id: run_id } = await this.get(principal, id);
    const { store } = this.#deps;
    const steps = await store.read({
      from: "steps",
      where: { run_id },
      order: [["position", "asc"]],
      limit: MAX_STEPS,
    });
    const calls = await store.read({ from: "tool_calls", where: { run_id }, order: [["id", "asc"]], limit: MAX_STEPS });
    const made = calls.filter(isOfStep);
    return steps.map((step) => ({ step, tool_calls: made.filter((call) => call.step_id === step.id) }));
  }

  /** Whether a run waits for a person. */
  async isWaiting(id: string): Promise<boolean> {
    const rows = await this.#deps.store.read({ from: "runs", where: { id, status: "waiting" }, limit: 1 });
    return rows.length > 0;
  }

  /** What follows `cursor` in the log of a run; null when nothing does and the run is over. */
  async follow(
    principal: Principal,
    id: string,
    { cursor, ...options }: FollowOptions & { cursor: number },
  ): Promise<AsyncIterable<RunEvent> | null> {
    return await this.#deps.feed.open(await this.get(principal, id), cursor, options);
  }

  /** The events of a run that was just started, to its end. Who leaves early cancels it, if that was asked for. */
  async attach({ run, repeated }: Started, signal: AbortSignal): Promise<AsyncIterable<RunEvent>> {
    const { feed } = this.#deps;
    const events = repeated ? await feed.open(run, 0, { signal }) : feed.begin(run, signal);
    if (!events) throw new AppError("GoneError", `Cannot follow run "${run.id}": its events are no longer kept`);
    return run.on_disconnect === "cancel" && !repeated ? this.#watched(run, events, signal) : events;
  }

  /** Stops a run. Cancelling twice is as good as once; a run that has ended otherwise is a `ConflictError`. */
  async cancel(principal: Principal, id: string, reason: string): Promise<RunRow> {
    await this.#cancel(await this.get(principal, id), reason);
    const run = await this.get(principal, id);
    if (run.status === "completed" || run.status === "failed") {
      throw new AppError("ConflictError", `Cannot cancel run "${id}": it has ${run.status} already`, {
        details: { status: run.status },
      });
    }
    return run;
  }

  /** Removes a run with its events and messages. One that has not ended is a `ConflictError`. */
  async delete(principal: Principal, id: string): Promise<void> {
    const { status } = await this.get(principal, id);
    if (!FINAL_STATUS.includes(status)) {
      throw new AppError("ConflictError", `Cannot delete run "${id}": it is ${status}, cancel it first`, {
        details: { status },
      });
    }
    await this.#deps.store.commit({ writes: [...removalOf([id]), { delete: "messages", where: { run_id: id } }] });
  }

  /** Decides about a tool call that waits. Deciding twice is a `ConflictError`. */
  async decide(principal: Principal, run_id: string, tool_call_id: string, given: Decision): Promise<StepCallRow> {
    const run = await this.get(principal, run_id);
    const { store, clock, questions } = this.#deps;
    const decided_at = toTime(clock.now());
    const [call] = await store.read({ from: "tool_calls", where: { id: tool_call_id, run_id }, limit: 1 });
    const [approval] = await store.read({ from: "approvals", where: { id: tool_call_id, run_id }, limit: 1 });
    if (!call || !isOfStep(call) || !approval) {
      throw new AppError("ToolCallNotFoundError", `Cannot find a decision to make about tool call "${tool_call_id}"`);
    }
    if (!allows(principal, approval.decider)) {
      throw new AppError(
        "ForbiddenError",
        `Cannot decide about tool call "${tool_call_id}": the policy leaves that to an ${approval.decider}`,
      );
    }
    // In the middle of a call the arguments answer its server's question, and the call goes on by itself.
    const asked = approval.kind === "elicitation";
    const args = given.decision === "approve" ? given.arguments : undefined;
    if (asked && given.decision === "approve") questions.check(approval, args ?? {});
    else if (args) await this.#check(run, call, args);
    const set: Partial<ApprovalRow> = {
      status: given.decision === "approve" ? "approved" : "denied",
      decided_by: principal.user_id ?? principal.key_id,
      decided_at,
      // Why it was asked is no reason to deny it.
      ...(given.reason !== undefined || (given.decision === "deny" && !asked)) && { reason: given.reason ?? "" },
      ...asked && args && { answer: args },
    };
    const edited = asked ? call.arguments : args ?? call.arguments;
    try {
      await store.commit({
        preconditions: [{
          from: "approvals",
          where: { id: tool_call_id, status: "pending", expires_at: { gt: decided_at } },
          exists: true,
        }],
        writes: [
          ...decided(approval, set),
          { update: "tool_calls", where: { id: tool_call_id }, set: { arguments: edited } },
        ],
      });
    } catch (error) {
      if (!(error instanceof CommitRefused)) throw error;
      const [now] = await store.read({ from: "approvals", where: { id: tool_call_id }, limit: 1 });
      const status = now?.status === "pending" ? "expired" : now?.status;
      throw new AppError(
        "ConflictError",
        `Cannot decide about tool call "${tool_call_id}": it is ${status} already`,
        {
          details: { status },
        },
      );
    }
    questions.decided(tool_call_id);
    await this.#resume(run_id);
    const [now] = await store.read({ from: "tool_calls", where: { id: tool_call_id }, limit: 1 });
    const found: StepCallRow = { ...call, arguments: edited, ...now && isOfStep(now) && now };
    // Whoever takes the run up writes it into the row, a little later.
    const waits = found.status === "approval_required" || found.status === "unknown";
    return waits ? { ...found, status: given.decision === "approve" ? "pending" : "denied" } : found;
  }

  /** Deletes a conversation with everything that belongs to it; what runs there is cancelled first. */
  async deleteConversation(conversation_id: string): Promise<void> {
    const { store, engine, files } = this.#deps;
    for (;;) {
      const runs = await store.read({
        from: "runs",
        where: { conversation_id },
        order: [["turn", "desc"]],
        limit: 100,
      });
      if (runs.length === 0) break;
      for (const run of runs) {
        await this.#cancel(run, "the conversation was deleted");
        await engine.settled(run.id);
      }
      await store.commit({ writes: removalOf(runs.map((run) => run.id)) });
    }
    await files.deleteOf(conversation_id);
    await store.commit({
      writes: [
        { delete: "messages", where: { conversation_id } },
        { delete: "conversations", where: { id: conversation_id } },
      ],
    });
  }

  async #cancel(run: RunRow, reason: string): Promise<void> {
    const { store, clock, engine, wake } = this.#deps;
    for (let current: RunRow | undefined = run; current && !FINAL_STATUS.includes(current.status);) {
      const { epoch, instance_id } = current;
      if (current.status === "running") {
        const set = { cancel_requested_at: toTime(clock.now()), cancel_reason: reason };
        const where = { id: run.id, status: "running", cancel_requested_at: null } as const;
        await store.commit({ writes: [{ update: "runs", where, set }] });
        if (!engine.cancel(run.id, reason) && instance_id) wake.notify(instanceTopic(instance_id));
      } else if (await engine.end(current, cancelled(current, reason, {}, clock))) return;
      // It may have been laid down or taken up just before: then the request above met nothing.
      [current] = await store.read({ from: "runs", where: { id: run.id }, limit: 1 });
      if (current?.status === "running" && current.cancel_requested_at && current.epoch === epoch) return;
    }
  }

  async #check(run: RunRow, call: StepCallRow, args: Record<string, unknown>): Promise<void> {
    const { agents, tools, engine } = this.#deps;
    const eyes = engine.delivery(run.id)?.eyes;
    const agent = await agents.revision(run.tenant_id, run.agent_id, run.agent_revision);
    const checked = await tools.check(agent, { ...call, arguments: args, tool_call_id: call.id, eyes });
    if (checked.verdict === "refused") throw checked.error;
  }

  async #resume(run_id: string): Promise<void> {
    const [run] = await this.#deps.store.read({ from: "runs", where: { id: run_id, status: "waiting" }, limit: 1 });
    if (run) await this.#deps.engine.take(run);
  }

  async *#watched(run: RunRow, events: AsyncIterable<RunEvent>, signal: AbortSignal): AsyncGenerator<RunEvent> {
    let over = false;
    try {
      for await (const event of events) {
        over ||= event.type === "run.completed" || event.type === "run.failed" || event.type === "run.cancelled";
        yield event;
      }
    } finally {
      if (!over && signal.aborted && !this.#deps.engine.draining) await this.#cancel(run, "the caller disconnected");
    }
  }
}

/** What is removed with runs. */
export function removalOf(run_ids: string[]) {
  const run_id = { in: run_ids };
  return [
    { delete: "events", where: { run_id } },
    { delete: "steps", where: { run_id } },
    { delete: "tool_calls", where: { run_id } },
    { delete: "approvals", where: { run_id } },
    { delete: "runs", where: { id: run_id } },
  ] as const;
}
