/**
 * Starting a run: one commit that either begins it or puts it in the queue.
 *
 * @module
 */
import type { Principal } from "../../domain/access.ts";
import type { AgentRow } from "../../domain/agent.ts";
import { AppError, CommitRefused } from "../../domain/error.ts";
import type { NewEvent } from "../../domain/event.ts";
import type { ResponseFormat, Run, RunOptions } from "../../domain/run.ts";
import type { ConversationRow, RunRow } from "../../domain/table.ts";
import { NO_USAGE } from "../../domain/usage.ts";
import { type Clock, toTime } from "../../kit/clock.ts";
import { createId } from "../../kit/id.ts";
import { Lines } from "../../kit/lines.ts";
import type { Precondition, Store } from "../../ports/store.ts";
import type { Agents } from "../agents/agents.ts";
import { type Claim, claim } from "../journal/idempotency.ts";
import type { Journal } from "../journal/journal.ts";
import { type Delivery, stepStarted, toStep } from "../orchestrator/execution.ts";
import type { Tools } from "../tools/tools.ts";
import type { Users } from "../users/users.ts";
import type { Engine } from "./engine.ts";
import { type Luggage, type Place, type Placement, type PlaceRequest, preconditionsOf, writesOf } from "./placement.ts";

/** How often a start is tried when others start runs in the same conversation at the same time. */
const MAX_TRIES = 8;
/** How many runs are looked for beyond those that may wait: cancelled ones take a moment to end. */
const MORE = 100;

/** What is to be started: in a new conversation, unless it says where. */
export interface StartRequest extends PlaceRequest {
  operation: string;
  /** Absent: the conversation's, or the default one. */
  agent_id?: string | undefined;
  options?: RunOptions | undefined;
  multitask: Run["multitask"];
  on_disconnect: Run["on_disconnect"];
  metadata: Record<string, unknown>;
  response_format?: ResponseFormat | undefined;
  idempotency_key?: string | undefined;
  /** Who says aloud what the run writes. */
  delivery?: Delivery | undefined;
}

/** What a {@linkcode Starter} needs. */
export interface StarterDeps {
  store: Store;
  journal: Journal;
  agents: Agents;
  users: Users;
  tools: Tools;
  placement: Placement;
  engine: Engine;
  clock: Clock;
  max_queued: number;
  /** Who answers when neither the request nor the conversation names anybody. */
  default_agent: string;
}

/** A run as it was started. */
export interface Started {
  run: RunRow;
  /** Whether the same request had started it before. */
  repeated: boolean;
  /** Runs that this one interrupts. */
  interrupts: RunRow[];
}

interface Plan extends Place {
  agent: AgentRow;
  busy: RunRow[];
}

/** Starts runs. */
export class Starter {
  #deps: StarterDeps;
  #lines = new Lines();

  constructor(deps: StarterDeps) {
    this.#deps = deps;
  }

  /** Starts a run. Once it resolves, the message and the run survive anything. */
  async start(principal: Principal, request: StartRequest): Promise<Started> {
    const { conversation_id, conversation, after_run_id } = request;
    const line = conversation_id ?? conversation ?? after_run_id;
    if (line === undefined) return await this.#start(principal, request);
    // Of many that come at once, each begins where the one before it ended.
    return await this.#lines.run(`${principal.key_id} ${line}`, () => this.#start(principal, request));
  }

  async #start(principal: Principal, request: StartRequest): Promise<Started> {
    let luggage: Luggage | undefined;
    for (let attempt = 1;; attempt++) {
      const claimed = await this.#claim(principal, request);
      if (claimed?.resource !== undefined) return await this.#repeat(claimed.resource);
      this.#deps.engine.admit();
      await this.#deps.users.see(principal);
      luggage ??= await this.#deps.placement.unpack(principal, request.messages);
      const plan = await this.#plan(principal, request, luggage);
      try {
        return await this.#commit(request, plan, claimed);
      } catch (error) {
        if (!(error instanceof CommitRefused)) throw error;
        if (attempt < MAX_TRIES) continue;
        const message = `Cannot start a run in conversation "${plan.conversation.id}": too many start there at once`;
        throw new AppError("ConflictError", message, { cause: error, retry_after: 1 });
      }
    }
  }

  async #claim(principal: Principal, request: StartRequest): Promise<Claim | undefined> {
    const { operation, idempotency_key: key, delivery: _, ...body } = request;
    return key === undefined ? undefined : await claim(this.#deps, { principal, operation, key, body });
  }

  async #plan(principal: Principal, request: StartRequest, luggage: Luggage): Promise<Plan> {
    const { agents, placement, default_agent } = this.#deps;
    const place = await placement.find(principal, request, luggage);
    const { conversation, isNew } = place;
    const agent = await agents.get(principal.tenant_id, request.agent_id ?? conversation.agent_id ?? default_agent);
    await this.#checkTools(agent, request.options);
    const busy = isNew ? [] : await this.#busy(conversation.id, request);
    return { ...place, conversation: isNew ? { ...conversation, agent_id: agent.id } : conversation, agent, busy };
  }

  /** A name that stands for two tools would call the wrong one. */
  async #checkTools({ tenant_id, id, config }: AgentRow, { tools = [], tool_choice }: RunOptions = {}): Promise<void> {
    const chosen = typeof tool_choice === "object" ? tool_choice.tool : undefined;
    if (tools.length === 0 && chosen === undefined) return;
    const names = tools.map(({ name }) => name);
    const own = (await this.#deps.tools.offered(tenant_id, config)).map(({ name }) => name);
    const twice = names.find((name, i) => own.includes(name) || names.indexOf(name) < i);
    if (chosen !== undefined && ![...names, ...own].includes(chosen)) {
      throw new AppError("ValidationError", `Cannot insist on tool "${chosen}": it is none of those offered`);
    }
    if (twice === undefined) return;
    const reason = own.includes(twice) ? `agent "${id}" has one of that name` : "the name is given twice";
    throw new AppError("ValidationError", `Cannot offer tool "${twice}": ${reason}`);
  }

  async #busy(conversation_id: string, { multitask, messages }: StartRequest): Promise<RunRow[]> {
    const { store, max_queued } = this.#deps;
    const busy = await store.read({
      from: "runs",
      where: { conversation_id, status: { in: ["queued", "running", "waiting"] } },
      order: [["turn", "asc"]],
      limit: max_queued + MORE,
    });
    if (busy.length > 0 && multitask === "reject") {
      throw new AppError(
        "ConflictError",
        `Cannot start a run in conversation "${conversation_id}": "${busy[0]!.id}" is active`,
        {
          details: { run_id: busy[0]!.id, status: busy[0]!.status },
        },
      );
    }
    // An interruption empties the queue.
    if (busy.length > max_queued && multitask !== "interrupt") {
      throw new AppError(
        "TooManyRequestsError",
        `Cannot queue a run in conversation "${conversation_id}": ${busy.length} wait already`,
        {
          retry_after: 5,
        },
      );
    }
    if (messages === undefined) {
      const [unanswered] = await store.read({ from: "messages", where: { conversation_id, turn: null }, limit: 1 });
      if (!unanswered) {
        throw new AppError(
          "ValidationError",
          `Cannot start a run in conversation "${conversation_id}": no message waits for an answer`,
        );
      }
    }
    return busy;
  }

  async #commit(request: StartRequest, plan: Plan, claimed: Claim | undefined): Promise<Started> {
    const { journal, engine, clock } = this.#deps;
    const { conversation, busy, agent, isNew } = plan;
    const queued = busy.length > 0;
    const run = this.#toRun(request, plan, queued);
    const step = toStep(run, 0, "model", clock);
    const { agent_id, conversation_id } = run;
    const events: NewEvent[] = queued
      ? [{ type: "run.queued", data: { conversation_id, behind: busy.at(-1)!.id, ...waitsFor(busy) } }]
      : [{ type: "run.started", data: { conversation_id, agent_id, attempt: 1 } }, stepStarted(run, step)];
    const log = journal.open({ id: run.id, epoch: run.epoch, last_seq: 0 });
    try {
      await log.open(events, {
        preconditions: isNew ? preconditionsOf(plan) : unchanged(conversation, queued),
        writes: [
          ...writesOf(plan, run),
          ...claimed && claimed.resource === undefined ? [claimed.toWrite(run.id)] : [],
          { insert: "runs", rows: [run] },
          ...queued ? [] : [{ insert: "steps", rows: [step] } as const],
        ],
      });
    } catch (error) {
      log[Symbol.dispose]();
      throw error;
    }
    if (request.delivery) engine.deliver(run.id, request.delivery);
    if (!queued) engine.launch(run, agent.config, log, step);
    else {
      log[Symbol.dispose]();
      // What it waits for may have ended while it was put in the queue.
      void engine.startNext(conversation_id);
    }
    return { run, repeated: false, interrupts: request.multitask === "interrupt" ? busy : [] };
  }

  #toRun(request: StartRequest, { agent, conversation }: Plan, queued: boolean): RunRow {
    const now = toTime(this.#deps.clock.now());
    const { multitask, on_disconnect, metadata, response_format, options } = request;
    const owned = this.#deps.engine.ownership(1);
    const { tenant_id, key_id, user_id } = conversation;
    return {
      tenant_id,
      key_id,
      user_id,
      id: createId("run"),
      conversation_id: conversation.id,
      agent_id: agent.id,
      agent_revision: agent.revision,
      multitask,
      on_disconnect,
      metadata,
      options: options ?? null,
      response_format: response_format ?? null,
      usage: NO_USAGE,
      error: null,
      turn: conversation.turns + 1,
      cancel_requested_at: null,
      cancel_reason: null,
      pruned_seq: 0,
      created_at: now,
      started_at: queued ? null : now,
      ended_at: null,
      ...owned,
      ...queued && { status: "queued", instance_id: null, lease_until: 0 },
    };
  }

  async #repeat(run_id: string): Promise<Started> {
    const [run] = await this.#deps.store.read({ from: "runs", where: { id: run_id }, limit: 1 });
    if (!run) throw new AppError("GoneError", `Cannot answer again: run "${run_id}" is no longer kept`);
    return { run, repeated: true, interrupts: [] };
  }
}

/** What must hold for a start that was planned on `conversation` as it was read. */
function unchanged({ id, turns }: ConversationRow, queued: boolean): Precondition[] {
  const same: Precondition = { from: "conversations", where: { id, turns }, exists: true };
  if (queued) return [same];
  return [
    same,
    { from: "runs", where: { conversation_id: id, status: { in: ["queued", "running", "waiting"] } }, exists: false },
  ];
}

function waitsFor(busy: RunRow[]): { reason?: string } {
  const waiting = busy.find((run) => run.status === "waiting");
  return waiting ? { reason: `Run "${waiting.id}" waits for a person: ${waiting.waiting_for}` } : {};
}
