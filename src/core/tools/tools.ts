/**
 * Calling tools: allowed, checked, bounded in time and size.
 *
 * @module
 */
import type { AgentConfig } from "../../domain/agent.ts";
import { AppError } from "../../domain/error.ts";
import { INVALID_ARGUMENTS } from "../../domain/message.ts";
import { toModelResult, type Tool } from "../../domain/tool.ts";
import type { Clock } from "../../kit/clock.ts";
import { maskDeep, maskSecrets } from "../../kit/log.ts";
import type { JsonSchema } from "../../ports/json_schema.ts";
import type { Toolbox } from "../../ports/toolbox.ts";
import { judge, type Verdict } from "./policy.ts";

/** The most of a result that is kept, in characters of JSON. */
const MAX_RESULT = 262_144;

/** What {@linkcode Tools} needs. */
export interface ToolsDeps {
  toolbox: Toolbox;
  schema: JsonSchema;
  clock: Clock;
  /** How long a call may take. */
  timeout_ms: number;
}

/** What is to be called. */
export interface ToolTarget {
  tool: string;
  arguments: Record<string, unknown>;
  tool_call_id: string;
}

/** A call that is possible, or why not. */
export type Checked = { verdict: Verdict; tool: Tool } | { verdict: "refused"; error: AppError };

/** The tools of all agents. */
export class Tools {
  #deps: ToolsDeps;

  constructor(deps: ToolsDeps) {
    this.#deps = deps;
  }

  /** Puts another time limit in force, for calls made from now on. */
  update({ timeout_ms }: Pick<ToolsDeps, "timeout_ms">): void {
    this.#deps = { ...this.#deps, timeout_ms };
  }

  /** The tools that `agent` may use, with or without asking. */
  async list(agent: AgentConfig): Promise<Tool[]> {
    if (agent.allowed_tools.length === 0) return [];
    return (await this.#deps.toolbox.list()).filter(({ name }) => judge(agent, name) !== "deny");
  }

  /** Decides about a call before it is made: does the tool exist, may it be called, do the arguments fit. */
  async check(agent: AgentConfig, { tool: name, arguments: args }: ToolTarget): Promise<Checked> {
    const refuse = (error: AppError): Checked => ({ verdict: "refused", error });
    const verdict = judge(agent, name);
    if (verdict === "deny") {
      return refuse(new AppError("ForbiddenError", `Cannot call tool "${name}": the agent's policy does not allow it`));
    }
    const tool = (await this.#deps.toolbox.list()).find((tool) => tool.name === name);
    if (!tool) return refuse(new AppError("NotFoundError", `Cannot call tool "${name}": there is no such tool`));
    const problems = INVALID_ARGUMENTS in args
      ? ["its arguments are not a JSON object"]
      : this.#deps.schema.check(tool.parameters, args);
    if (problems.length === 0) return { verdict, tool };
    return refuse(
      new AppError("ValidationError", `Cannot call tool "${name}": ${problems.slice(0, 5).join("; ")}`, {
        details: { problems: problems.slice(0, 20) },
      }),
    );
  }

  /** Calls a tool. Resolves with its answer; rejects with the error that the model is told. */
  async call({ tool, arguments: args, tool_call_id }: ToolTarget, signal: AbortSignal): Promise<unknown> {
    const { toolbox, clock, timeout_ms } = this.#deps;
    const limit = new AbortController();
    using _ = clock.after(
      timeout_ms,
      () =>
        limit.abort(
          new AppError("TimeoutError", `Cannot wait for tool "${tool}" any longer: ${timeout_ms / 1000} s passed`),
        ),
    );
    const both = AbortSignal.any([signal, limit.signal]);
    try {
      const result = await abortable(toolbox.call(tool, args, { signal: both, tool_call_id }), both);
      const kept = bounded(toModelResult(result));
      if (!result.is_error) return kept;
      throw new AppError("UpstreamError", typeof kept === "string" ? kept : `Tool "${tool}" failed`, {
        details: { result: kept },
      });
    } catch (error) {
      signal.throwIfAborted();
      if (limit.signal.aborted) throw limit.signal.reason;
      if (error instanceof AppError) throw error;
      const reason = maskSecrets(error instanceof Error ? error.message : String(error));
      throw new AppError("UpstreamError", `Tool "${tool}" failed: ${reason}`, { cause: error });
    }
  }
}

/** Waits for `work`, but not longer than `signal` lets: a tool that ignores its cancellation holds nobody. */
function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const stop = () => reject(signal.reason);
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  work.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  return promise;
}

function bounded(result: unknown): unknown {
  const masked = maskDeep(result);
  const text = JSON.stringify(masked);
  if (text.length <= MAX_RESULT) return masked;
  return { truncated: true, characters: text.length, text: text.slice(0, MAX_RESULT) };
}
