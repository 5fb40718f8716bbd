/**
 * Calls that somebody makes directly, without an agent.
 *
 * @module
 */
import { type Owner, ownerOf, type Principal } from "../../domain/access.ts";
import type { AgentConfig } from "../../domain/agent.ts";
import type { CanAnswer, DirectQuestion } from "../../domain/direct_question.ts";
import { AppError } from "../../domain/error.ts";
import type { ToolCallRow } from "../../domain/table.ts";
import type { Tool, ToolResult } from "../../domain/tool.ts";
import type { Clock } from "../../kit/clock.ts";
import { createId } from "../../kit/id.ts";
import type { Progress } from "../../ports/mcp_client.ts";
import type { Store } from "../../ports/store.ts";
import type { Ruling } from "../policies/ruling.ts";
import type { DirectQuestions } from "./direct_questions.ts";
import { toKept, toRow } from "./direct_rows.ts";
import type { Tools, ToolTarget } from "./tools.ts";

/** What {@linkcode DirectCalls} needs. */
export interface DirectCallsDeps {
  store: Store;
  tools: Tools;
  questions: DirectQuestions;
  clock: Clock;
}

/** The most of a call's arguments that is shown to whoever is asked about it. */
const MAX_SHOWN = 4000;

/** What somebody wants to call. */
export interface DirectRequest {
  tool: string;
  arguments: Record<string, unknown>;
  /** Checked as if this agent called it. */
  agent?: AgentConfig | undefined;
  /** Whether the caller, an admin, consents to a call that a policy leaves to a person. */
  approve?: boolean | undefined;
  /** What the caller can be asked. */
  can_answer?: readonly CanAnswer[] | undefined;
}

/** Who listens to a call. */
export interface DirectListener {
  signal: AbortSignal;
  onProgress?: (progress: Progress) => void;
  /** Absent where questions can't reach the caller. */
  onQuestion?: (question: DirectQuestion) => void;
}

/** What came of it. */
export interface DirectAnswer {
  tool_call_id: string;
  result: ToolResult;
  duration_ms: number;
}

/** A call that may be made. */
export interface ReadyCall {
  tool_call_id: string;
  /** Makes it. Its row is written when it ends, however it ends. */
  make(listener: DirectListener): Promise<DirectAnswer>;
}

/** A call that was checked. */
interface Checked extends Pick<DirectRequest, "agent"> {
  target: ToolTarget;
  tool: Tool;
  ruling: Ruling | undefined;
  can_answer: readonly CanAnswer[];
  /** Asks for a consent that the caller has not given, or says why that can't be. */
  question?: string;
  refusal?: AppError;
}

/** A call that is made, since `started`. */
interface Made {
  owner: Owner;
  call: Checked;
  started: number;
}

/** Makes calls for people and programs. */
export class DirectCalls {
  readonly #deps: DirectCallsDeps;

  constructor(deps: DirectCallsDeps) {
    this.#deps = deps;
  }

  /**
   * Checks a call. Rejects where it may not be made, or only with a person's consent: that of an admin, who gives it
   * with the request, or is asked.
   */
  async prepare(principal: Principal, request: DirectRequest): Promise<ReadyCall> {
    const { tool: name, arguments: args, agent, approve = false, can_answer = [] } = request;
    const { tenant_id, access } = principal;
    const target: ToolTarget = { tenant_id, tool: name, arguments: args, tool_call_id: createId("tool") };
    const checked = await this.#deps.tools.check(agent, target);
    if (checked.verdict === "refused") throw checked.error;
    const isAdmin = access === "admin";
    const call: Checked = { target, tool: checked.tool, ruling: checked.ruling, agent, can_answer };
    if (checked.verdict === "ask" && !(isAdmin && approve)) {
      call.refusal = unconsented(name, checked.reason, isAdmin);
      if (!isAdmin || !can_answer.includes("form")) throw call.refusal;
      call.question = toQuestion(name, args, checked.reason);
    }
    return { tool_call_id: target.tool_call_id, make: (listener) => this.#make(principal, call, listener) };
  }

  async #make(principal: Principal, call: Checked, listener: DirectListener): Promise<DirectAnswer> {
    const { target, can_answer, refusal } = call;
    const { onQuestion } = listener;
    if (refusal && !onQuestion) throw refusal;
    const { tool_call_id, tool } = target;
    const owner = ownerOf(principal);
    const isAdmin = principal.access === "admin";
    const attending = this.#deps.questions.attend({ tool_call_id, tool, owner, isAdmin, can_answer, onQuestion });
    try {
      return await this.#keep(owner, call, listener);
    } finally {
      attending[Symbol.dispose]();
    }
  }

  /** Makes a call, and keeps what came of it. */
  async #keep(owner: Owner, call: Checked, { signal, onProgress }: DirectListener): Promise<DirectAnswer> {
    const { target, ruling, agent, question } = call;
    const { tools, questions, clock } = this.#deps;
    const { tool_call_id, tool } = target;
    const started = clock.now();
    const made = { owner, call, started };
    try {
      if (question !== undefined) await questions.approve(question, { tool_call_id, tool, signal });
      const caller = `${owner.tenant_id}/${owner.key_id}`;
      const to = { caller, user_id: owner.user_id, audience: tool_call_id };
      const result = await tools.call(target, { signal, agent, ruling, onProgress, ...to });
      const status = result.is_error ? "failed" : "completed";
      await this.#write(made, { status, result: toKept(result), error: null });
      // Rounded, as V8 throws the machine code of this away again and again where its kind of number differs.
      return { tool_call_id, result, duration_ms: Math.round(clock.now() - started) };
    } catch (thrown) {
      const status = signal.aborted ? "cancelled" : "failed";
      await this.#write(made, { status, result: null, error: AppError.from(thrown).toBody() });
      throw thrown;
    }
  }

  #write({ owner, call, started }: Made, outcome: Pick<ToolCallRow, "status" | "result" | "error">): Promise<void> {
    const { store, clock } = this.#deps;
    const known = { ...owner, ...outcome, idempotent: call.tool.idempotent };
    const row = toRow(call.target, known, { started, ended: clock.now() });
    return store.commit({ writes: [{ insert: "tool_calls", rows: [row] }] });
  }
}

function unconsented(tool: string, reason: string | undefined, isAdmin: boolean): AppError {
  const because = reason === undefined ? "" : ` (${reason})`;
  const way = isAdmin
    ? "confirm it with approve: true (muxi mcp call --yes), or call it by a client whose person can be asked"
    : "let an agent call it, or have its policy say allow";
  return new AppError(
    "ForbiddenError",
    `Cannot call tool "${tool}" directly: a person has to approve each call${because}: ${way}`,
  );
}

function toQuestion(tool: string, args: Record<string, unknown>, reason: string | undefined): string {
  const shown = JSON.stringify(args);
  const left = shown.length - MAX_SHOWN;
  const cut = left > 0 ? `${shown.slice(0, MAX_SHOWN)}… (${left} characters more)` : shown;
  return `May the tool "${tool}" be called with ${cut}?${reason === undefined ? "" : ` ${reason}.`}`;
}
