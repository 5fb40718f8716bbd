/**
 * Calls that somebody makes directly, without an agent.
 *
 * @module
 */
import { ownerOf, type Principal } from "../../domain/access.ts";
import type { AgentConfig } from "../../domain/agent.ts";
import { AppError } from "../../domain/error.ts";
import type { ToolCallRow } from "../../domain/table.ts";
import type { Tool, ToolResult } from "../../domain/tool.ts";
import type { Clock } from "../../kit/clock.ts";
import { createId } from "../../kit/id.ts";
import type { Progress } from "../../ports/mcp_client.ts";
import type { Store } from "../../ports/store.ts";
import { toKept, toRow } from "./direct_rows.ts";
import type { Tools, ToolTarget } from "./tools.ts";

/** What {@linkcode DirectCalls} needs. */
export interface DirectCallsDeps {
  store: Store;
  tools: Tools;
  clock: Clock;
}

/** What somebody wants to call. */
export interface DirectRequest {
  tool: string;
  arguments: Record<string, unknown>;
  /** Checked as if this agent called it. */
  agent?: AgentConfig | undefined;
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
  make(options: { signal: AbortSignal; onProgress?: (progress: Progress) => void }): Promise<DirectAnswer>;
}

/** Makes calls for people and programs. */
export class DirectCalls {
  readonly #deps: DirectCallsDeps;

  constructor(deps: DirectCallsDeps) {
    this.#deps = deps;
  }

  /** Checks a call. Rejects where it may not be made, or only with a person's consent, which an admin's call is. */
  async prepare(principal: Principal, { tool: name, arguments: args, agent }: DirectRequest): Promise<ReadyCall> {
    const { tenant_id } = principal;
    const target: ToolTarget = { tenant_id, tool: name, arguments: args, tool_call_id: createId("tool") };
    const checked = await this.#deps.tools.check(agent, target);
    if (checked.verdict === "refused") throw checked.error;
    if (checked.verdict === "ask" && principal.access !== "admin") {
      const because = checked.reason === undefined ? "" : ` (${checked.reason})`;
      const why = `a person has to approve each call${because}: let an agent call it, or have its policy say allow`;
      throw new AppError("ForbiddenError", `Cannot call tool "${name}" directly: ${why}`);
    }
    const { tool } = checked;
    return {
      tool_call_id: target.tool_call_id,
      make: (options) => this.#make(principal, { target, tool, agent, ...options }),
    };
  }

  async #make(
    principal: Principal,
    { target, tool, agent, signal, onProgress }: {
      target: ToolTarget;
      tool: Tool;
      agent: AgentConfig | undefined;
      signal: AbortSignal;
      onProgress?: (progress: Progress) => void;
    },
  ): Promise<DirectAnswer> {
    const { store, tools, clock } = this.#deps;
    const started = clock.now();
    const owner = ownerOf(principal);
    const caller = `${owner.tenant_id}/${owner.key_id}`;
    const keep = (outcome: Pick<ToolCallRow, "status" | "result" | "error">) => {
      const row = toRow(target, { ...owner, ...outcome, idempotent: tool.idempotent }, { started, ended: clock.now() });
      return store.commit({ writes: [{ insert: "tool_calls", rows: [row] }] });
    };
    try {
      const result = await tools.call(target, { signal, caller, user_id: owner.user_id, agent, onProgress });
      await keep({ status: result.is_error ? "failed" : "completed", result: toKept(result), error: null });
      return { tool_call_id: target.tool_call_id, result, duration_ms: clock.now() - started };
    } catch (thrown) {
      const error = AppError.from(thrown);
      await keep({ status: signal.aborted ? "cancelled" : "failed", result: null, error: error.toBody() });
      throw thrown;
    }
  }
}
