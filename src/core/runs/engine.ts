/**
 * The runs that this process executes.
 *
 * @module
 */
import type { AgentConfig } from "../../domain/agent.ts";
import { AppError, CommitRefused } from "../../domain/error.ts";
import { FINAL_STATUS } from "../../domain/run.ts";
import type { RunRow, StepRow } from "../../domain/table.ts";
import { type Clock, sleep, toTime } from "../../kit/clock.ts";
import type { Log } from "../../kit/log.ts";
import type { Precondition, Store, Write } from "../../ports/store.ts";
import type { Agents } from "../agents/agents.ts";
import type { Journal } from "../journal/journal.ts";
import { OwnershipLost, type RunLog } from "../journal/run_log.ts";
import { type Ending, failed } from "../orchestrator/endings.ts";
import { type Delivery, type Execution, stepStarted, Stop, toStep } from "../orchestrator/execution.ts";
import type { Orchestrator } from "../orchestrator/orchestrator.ts";

/** What an {@linkcode Engine} needs. */
export interface EngineDeps {
  store: Store;
  journal: Journal;
  agents: Agents;
  orchestrator: Orchestrator;
  clock: Clock;
  log: Log;
  /** Names this process in the rows it owns. */
  instance_id: string;
  lease_ms: number;
  /** How many runs at once. */
  max_active: number;
}

interface Active {
  stop: AbortController;
  done: Promise<void>;
}

/** Owns runs, executes them, and starts the next one of a conversation when one ends. */
export class Engine {
  readonly #deps: EngineDeps;
  #active = new Map<string, Active>();
  /** Who says aloud what runs write, also of those that wait. */
  #deliveries = new Map<string, Delivery>();
  #draining = false;

  constructor(deps: EngineDeps) {
    this.#deps = deps;
  }

  /** How many runs are executed. */
  get size(): number {
    return this.#active.size;
  }

  /** Whether the server is going down. */
  get draining(): boolean {
    return this.#draining;
  }

  /** Whether `run_id` is executed here. */
  has(run_id: string): boolean {
    return this.#active.has(run_id);
  }

  /** Rejects when no further run can be taken. */
  admit(): void {
    if (this.#draining) {
      throw new AppError("UnavailableError", "Cannot start a run: the server is shutting down", { retry_after: 5 });
    }
    if (this.#active.size >= this.#deps.max_active) {
      throw new AppError("UnavailableError", `Cannot start a run: ${this.#active.size} are running already`, {
        retry_after: 1,
      });
    }
  }

  /** The columns of a run that this process owns from now on. */
  ownership(epoch: number): Pick<RunRow, "status" | "epoch" | "instance_id" | "lease_until" | "waiting_for"> {
    const { instance_id, lease_ms, clock } = this.#deps;
    return { status: "running", epoch, instance_id, lease_until: clock.now() + lease_ms, waiting_for: null };
  }

  /** Has what `run_id` writes said aloud, whenever it is executed here. */
  deliver(run_id: string, delivery: Delivery): void {
    if (delivery.over.aborted) return;
    this.#deliveries.set(run_id, delivery);
    delivery.over.addEventListener("abort", () => this.#deliveries.delete(run_id), { once: true });
  }

  /** Who listens to `run_id`, whenever it is executed here. */
  delivery(run_id: string): Delivery | undefined {
    return this.#deliveries.get(run_id);
  }

  /** Executes a run that was just committed as ours, from `step` or from where another process left it. */
  launch(run: RunRow, agent: AgentConfig, log: RunLog, step?: StepRow): void {
    const stop = new AbortController();
    const execution: Execution = { run, agent, log, signal: stop.signal, delivery: this.#deliveries.get(run.id) };
    const done = this.#execute(execution, step).finally(() => {
      log[Symbol.dispose]();
      this.#active.delete(run.id);
      if (execution.run.status !== "waiting") this.#deliveries.delete(run.id);
      if (FINAL_STATUS.includes(execution.run.status) && !this.#draining) void this.startNext(run.conversation_id);
    });
    this.#active.set(run.id, { stop, done });
  }

  /** Takes over a queued, decided or orphaned run. False when somebody else did, or when it is not its turn. */
  async take(run: RunRow): Promise<boolean> {
    if (this.#draining || this.#active.has(run.id)) return false;
    const { agents, clock } = this.#deps;
    let agent: AgentConfig;
    try {
      agent = await agents.revision(run.tenant_id, run.agent_id, run.agent_revision);
    } catch (error) {
      if (!(error instanceof AppError) || error.name !== "AgentNotFoundError") throw error;
      await this.end(run, failed(run, error.toBody(), {}, clock));
      return false;
    }
    try {
      if (run.status === "queued") await this.#begin(run, agent);
      else await this.#adopt(run, agent);
    } catch (error) {
      if (error instanceof CommitRefused || error instanceof OwnershipLost) return false;
      throw error;
    }
    return true;
  }

  /** Ends a run that nobody executes. False when somebody took it meanwhile. */
  async end(run: RunRow, ending: Ending): Promise<boolean> {
    const epoch = run.epoch + 1;
    using log = await this.#open({ ...run, epoch });
    const writes: Write[] = [{ update: "runs", where: { id: run.id }, set: { epoch } }];
    try {
      await log.open(ending.events, {
        preconditions: [{ from: "runs", where: { id: run.id, epoch: run.epoch, status: run.status }, exists: true }],
        writes: [...ending.change.writes, ...writes],
      });
    } catch (error) {
      if (error instanceof CommitRefused || error instanceof OwnershipLost) return false;
      throw error;
    }
    void this.startNext(run.conversation_id);
    return true;
  }

  /** Tells a run of ours to stop. False when it isn't ours. */
  cancel(run_id: string, reason: string): boolean {
    const active = this.#active.get(run_id);
    active?.stop.abort(new Stop("cancel", reason));
    return active !== undefined;
  }

  /** Resolves when `run_id` is no longer executed here. */
  async settled(run_id: string): Promise<void> {
    await this.#active.get(run_id)?.done;
  }

  /** Starts the oldest queued run of a conversation, if none is active there. */
  async startNext(conversation_id: string): Promise<void> {
    try {
      const [next] = await this.#deps.store.read({
        from: "runs",
        where: { conversation_id, status: "queued" },
        order: [["turn", "asc"]],
        limit: 1,
      });
      if (next) await this.take(next);
    } catch (error) {
      this.#deps.log.error("Cannot start the next run", { conversation_id, error });
    }
  }

  /** Extends the leases of what is executed here, and obeys cancellations asked for elsewhere. */
  async renew(): Promise<void> {
    if (this.#active.size === 0) return;
    const { store, clock, instance_id, lease_ms } = this.#deps;
    // Only what is executed: a run of ours that isn't any more is left to whoever finds it.
    const where = { id: { in: [...this.#active.keys()] }, instance_id, status: "running" } as const;
    await store.commit({ writes: [{ update: "runs", where, set: { lease_until: clock.now() + lease_ms } }] });
    await this.obey();
  }

  /** Stops what somebody asked to cancel, through whichever process. */
  async obey(): Promise<void> {
    const { store, instance_id } = this.#deps;
    const rows = await store.read({
      from: "runs",
      where: { instance_id, status: "running", cancel_requested_at: { ne: null } },
      limit: 1000,
    });
    for (const row of rows) this.cancel(row.id, row.cancel_reason ?? "cancelled");
  }

  /** Lets what runs finish for `ms`, then releases the rest to whoever comes next. */
  async drain(ms: number): Promise<void> {
    this.#draining = true;
    const all = () => Promise.allSettled(Array.from(this.#active.values(), (active) => active.done));
    const enough = new AbortController();
    await Promise.race([all(), sleep(this.#deps.clock, ms, enough.signal).catch(() => {})]);
    enough.abort();
    for (const { stop } of this.#active.values()) stop.abort(new Stop("release", "The server is shutting down"));
    await all();
  }

  /** Begins a run that waited for its turn. */
  async #begin(queued: RunRow, agent: AgentConfig): Promise<void> {
    const { clock } = this.#deps;
    const owned = { ...this.ownership(queued.epoch + 1), started_at: toTime(clock.now()) };
    const run: RunRow = { ...queued, ...owned };
    const { id, conversation_id, agent_id } = run;
    const step = toStep(run, 0, "model", clock);
    const log = await this.#open(run);
    try {
      await log.open([
        { type: "run.started", data: { conversation_id, agent_id, attempt: 1 } },
        stepStarted(run, step),
      ], {
        preconditions: takable(queued),
        writes: [{ update: "runs", where: { id }, set: owned }, { insert: "steps", rows: [step] }],
      });
    } catch (error) {
      log[Symbol.dispose]();
      throw error;
    }
    this.launch(run, agent, log, step);
  }

  /** Goes on with a run that another owner laid down or left. */
  async #adopt(left: RunRow, agent: AgentConfig): Promise<void> {
    const { store } = this.#deps;
    const { id } = left;
    const owned = this.ownership(left.epoch + 1);
    await store.commit({ preconditions: takable(left), writes: [{ update: "runs", where: { id }, set: owned }] });
    // An owner that was only late wrote until now, and can't any more: only what is read from here on is all.
    const [run] = await store.read({ from: "runs", where: { id, epoch: owned.epoch }, limit: 1 });
    if (run) this.launch(run, agent, await this.#open(run));
  }

  async #open({ id, epoch }: RunRow): Promise<RunLog> {
    const { journal } = this.#deps;
    return journal.open({ id, epoch, last_seq: (await journal.last(id))?.seq ?? 0 });
  }

  async #execute(execution: Execution, step?: StepRow): Promise<void> {
    const { orchestrator, clock, log: server } = this.#deps;
    const { log } = execution;
    const run_id = execution.run.id;
    try {
      await orchestrator.run(execution, step);
    } catch (thrown) {
      if (thrown instanceof OwnershipLost) return server.debug("Run was taken over", { run_id });
      if (thrown instanceof Stop) return await this.#release(execution);
      server.error("Run failed unexpectedly", { run_id, error: thrown });
      const ending = failed(execution.run, AppError.from(thrown).toBody(), {}, clock);
      try {
        await log.record(ending.events, ending.change);
        execution.run = ending.run;
      } catch (error) {
        // Its lease runs out, and whoever finds it goes on with it.
        server.error("Cannot record the failure of a run", { run_id, error });
      }
    }
  }

  async #release({ run, log }: Execution): Promise<void> {
    try {
      await log.record([], { writes: [{ update: "runs", where: { id: run.id }, set: { lease_until: 0 } }] });
    } catch (error) {
      this.#deps.log.warn("Cannot release a run: it is taken up when its lease ends", { run_id: run.id, error });
    }
  }
}

/** What must hold for `run` to be taken as it was read. */
function takable(run: RunRow): Precondition[] {
  const { id, epoch, status, lease_until, conversation_id, turn } = run;
  const unchanged: Precondition = { from: "runs", where: { id, epoch, status, lease_until }, exists: true };
  if (status !== "queued") return [unchanged];
  return [
    unchanged,
    { from: "runs", where: { conversation_id, status: { in: ["running", "waiting"] } }, exists: false },
    { from: "runs", where: { conversation_id, status: "queued", turn: { lt: turn } }, exists: false },
  ];
}
