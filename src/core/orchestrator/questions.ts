/**
 * Questions that come in the middle of a call: the call is held, a person answers, it goes on.
 *
 * @module
 */
import type { AgentConfig } from "../../domain/agent.ts";
import { AppError } from "../../domain/error.ts";
import type { ApprovalRow, StepCallRow } from "../../domain/table.ts";
import { type Clock, sleep, toTime } from "../../kit/clock.ts";
import { Lines } from "../../kit/lines.ts";
import type { JsonSchema } from "../../ports/json_schema.ts";
import type { Elicitation, ElicitationAnswer } from "../../ports/mcp_client.ts";
import type { Store } from "../../ports/store.ts";
import type { Wake } from "../../ports/wake.ts";
import type { RunLog } from "../journal/run_log.ts";
import type { Unasked } from "../mcp_servers/asking.ts";
import type { DirectQuestions } from "../tools/direct_questions.ts";
import type { Tools } from "../tools/tools.ts";
import { approvalRequired, toApprovalRow } from "./tool_rows.ts";

/** A lost wake delays an answer this long. */
const LOOK_MS = 1000;

/** What {@linkcode Questions} needs. */
export interface QuestionsDeps {
  store: Store;
  tools: Tools;
  /** Asks where no run is there to be asked in. */
  direct: DirectQuestions;
  schema: JsonSchema;
  wake: Wake;
  clock: Clock;
  /** How long a person has to answer. */
  approval_timeout_ms: number;
}

/** A call that is being made. */
interface Made {
  call: StepCallRow;
  agent: AgentConfig;
  log: RunLog;
}

/** The topic that tells of a decision. */
function decisionTopic(tool_call_id: string): string {
  return `approval:${tool_call_id}`;
}

/** Asks people. */
export class Questions {
  #deps: QuestionsDeps;
  readonly #made = new Map<string, Made>();
  readonly #lines = new Lines();

  constructor(deps: QuestionsDeps) {
    this.#deps = deps;
  }

  /** Puts another time to answer in force; questions that are open keep theirs. */
  update({ approval_timeout_ms }: Pick<QuestionsDeps, "approval_timeout_ms">): void {
    this.#deps = { ...this.#deps, approval_timeout_ms };
  }

  /** Lets questions of a call reach the people who watch its run, until disposed. */
  attend(made: Made): Disposable {
    const { id } = made.call;
    this.#made.set(id, made);
    return { [Symbol.dispose]: () => void this.#made.delete(id) };
  }

  /**
   * Asks a person and waits, while the time of the call stands still. In a call that belongs to no run its caller is
   * asked. With `decider` another than the agent says has to answer.
   */
  async ask(
    question: Elicitation,
    { tool_call_id = "", signal, decider }: {
      tool_call_id?: string;
      signal: AbortSignal;
      decider?: ApprovalRow["decider"];
    },
  ): Promise<ElicitationAnswer | Unasked> {
    const made = this.#made.get(tool_call_id);
    if (!made) return await this.#deps.direct.ask(question, { tool_call_id, signal, decider });
    // One after the other: there is one row for the questions of a call.
    return await this.#lines.run(tool_call_id, async () => {
      using _ = this.#deps.tools.pause(tool_call_id);
      const row = { ...this.#toRow(made, question), ...decider && { decider } };
      await made.log.record([approvalRequired(made.call, row)], { writes: [{ upsert: "approvals", row }] });
      try {
        return await this.#told(made, await this.#decision(row, signal));
      } catch (error) {
        await this.#withdraw(row);
        throw error;
      }
    });
  }

  /** Tells whoever watches the runs of some calls why nobody was asked. */
  async noteUnasked(words: string, tool_call_ids: readonly string[]): Promise<void> {
    await Promise.allSettled(tool_call_ids.map((tool_call_id) =>
      this.#made.get(tool_call_id)?.log.record([
        { type: "tool.call.denied", data: { tool_call_id, decided_by: "nobody", reason: words } },
      ])
    ));
  }

  /** Throws `ValidationError` where `answer` is not what `question` wants. */
  check({ id, question }: ApprovalRow, answer: Record<string, unknown>): void {
    const problems = question?.schema ? this.#deps.schema.check(question.schema, answer) : [];
    if (problems.length === 0) return;
    const message = `Cannot answer the question of tool call "${id}": ${problems.slice(0, 5).join("; ")}`;
    throw new AppError("ValidationError", message, { details: { problems: problems.slice(0, 20) } });
  }

  /** Tells whoever waits that a decision is made. */
  decided(tool_call_id: string): void {
    this.#deps.wake.notify(decisionTopic(tool_call_id));
  }

  #toRow({ call, agent }: Made, question: Elicitation): ApprovalRow {
    const { clock, approval_timeout_ms: timeout_ms } = this.#deps;
    const clean = this.#deps.tools.clean(call.tool, question);
    const reason = `The server of "${call.tool}" asks: ${clean.message}`;
    return {
      ...toApprovalRow(agent, call, { kind: "elicitation", reason, timeout_ms }, clock),
      question: clean,
    };
  }

  async #decision({ id }: ApprovalRow, signal: AbortSignal): Promise<ApprovalRow> {
    const { store, wake, clock } = this.#deps;
    for (;;) {
      signal.throwIfAborted();
      const woken = new AbortController();
      // Subscribing before the look leaves no gap.
      using _ = wake.subscribe(decisionTopic(id), () => woken.abort());
      const [row] = await store.read({ from: "approvals", where: { id, status: { ne: "pending" } }, limit: 1 });
      if (row) return row;
      await sleep(clock, LOOK_MS, AbortSignal.any([signal, woken.signal])).catch(() => {});
    }
  }

  async #told({ log }: Made, { id: tool_call_id, status, decided_by, reason, answer }: ApprovalRow) {
    const by = decided_by ?? "nobody";
    if (status === "approved") {
      await log.record([{ type: "tool.call.approved", data: { tool_call_id, decided_by: by } }]);
      return { action: "accept", content: answer ?? {} } as const;
    }
    const why = status === "expired" ? "nobody answered in time" : reason;
    await log.record([{ type: "tool.call.denied", data: { tool_call_id, decided_by: by, reason: why } }]);
    return { action: status === "denied" ? "decline" : "cancel" } as const;
  }

  async #withdraw({ id }: ApprovalRow): Promise<void> {
    const set = { status: "withdrawn", decided_at: toTime(this.#deps.clock.now()) } as const;
    await this.#deps.store.commit({ writes: [{ update: "approvals", where: { id, status: "pending" }, set }] });
  }
}
