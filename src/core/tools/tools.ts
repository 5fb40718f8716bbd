/**
 * Calling tools: allowed, checked, bounded in time and size.
 *
 * @module
 */
import type { AgentConfig } from "../../domain/agent.ts";
import { AppError } from "../../domain/error.ts";
import type { LookSource } from "../../domain/rtc_event.ts";
import { toSecrets } from "../../domain/mcp_secrets.ts";
import type { McpServerTrouble } from "../../domain/mcp_server.ts";
import { INVALID_ARGUMENTS } from "../../domain/message.ts";
import type { Tool, ToolResult } from "../../domain/tool.ts";
import type { Clock } from "../../kit/clock.ts";
import type { JsonSchema } from "../../ports/json_schema.ts";
import type { Progress } from "../../ports/mcp_client.ts";
import type { Toolbox } from "../../ports/toolbox.ts";
import type { Policies } from "../policies/policies.ts";
import type { Ruling } from "../policies/ruling.ts";
import type { AgentResources } from "./agent_resources.ts";
import { type CallLimits, CallTime } from "./call_time.ts";
import { KnownTools } from "./known_tools.ts";
import { answerLook, type Eyes, LOOK, LOOK_TOOL, mayLook } from "./look.ts";
import { isAttached, judge, judgeOffered, whyDenied } from "./policy.ts";
import { Quota } from "./quota.ts";
import { denial, forbidden, invalid, tooLong, toTellable, unknownTool } from "./refusals.ts";
import { boundedResult, cleanResult, withoutSecrets } from "./result.ts";
import { answerSearch, SEARCH_TOOLS, TOOL_SEARCH } from "./search.ts";
import { type TroubleOf, troublesOf, unseenTool } from "./trouble.ts";

/** What {@linkcode Tools} needs. */
export interface ToolsDeps {
  toolbox: Toolbox;
  resources: AgentResources;
  policies: Policies;
  schema: JsonSchema;
  clock: Clock;
  /** How long a call may be silent, and how long it may take, where neither its server nor a policy says so. */
  timeout_ms: number;
  max_timeout_ms: number;
}

/** What is to be called. */
export interface ToolTarget {
  /** Whose call it is: the tools of others aren't there. */
  tenant_id: string;
  tool: string;
  arguments: Record<string, unknown>;
  tool_call_id: string;
  /** What the agent sees with, in a call. */
  eyes?: Eyes | undefined;
}

/** Who calls, and who listens. */
export interface CallContext {
  signal: AbortSignal;
  /** Whose calls count together. */
  caller: string;
  user_id: string | null;
  /** Who would be asked what the server asks: a run, or a call by itself. */
  audience: string;
  /** Absent where somebody calls directly. */
  agent?: AgentConfig | undefined;
  /** By what the call was checked: while it stands, nothing has to be checked again. */
  ruling?: Ruling | undefined;
  onProgress?: ((progress: Progress) => void) | undefined;
}

/** A call that is possible, or why not. */
export type Checked =
  | { verdict: "allow"; tool: Tool; ruling?: Ruling }
  | { verdict: "ask"; tool: Tool; ruling?: Ruling; reason?: string | undefined }
  | { verdict: "refused"; error: AppError };

/** The tools of all agents. */
export class Tools {
  #deps: ToolsDeps;
  readonly #known: KnownTools;
  readonly #quota: Quota;
  /** Calls under way. */
  readonly #times = new Map<string, CallTime>();

  constructor(deps: ToolsDeps) {
    this.#deps = deps;
    this.#known = new KnownTools(deps.toolbox);
    this.#quota = new Quota(deps);
  }

  /** Puts other time limits in force, for calls made from now on. */
  update(limits: Pick<ToolsDeps, "timeout_ms" | "max_timeout_ms">): void {
    this.#deps = { ...this.#deps, ...limits };
  }

  /** Every tool there is for a tenant. */
  all(tenant_id: string): Promise<readonly Tool[]> {
    return this.#known.list(tenant_id);
  }

  /** The tool `name`, where the tenant may know of it. */
  find(tenant_id: string, name: string): Promise<Tool | undefined> {
    return this.#known.find(tenant_id, name);
  }

  /** Why there is no tool `name`: its server has yet to say what it offers, or nobody has it. */
  missing(name: string, whose: TroubleOf): AppError {
    return unseenTool(this.#deps.toolbox, name, whose) ?? unknownTool(name);
  }

  /** The servers that are not ready, of all or of an agent. */
  troubles(whose: TroubleOf): McpServerTrouble[] {
    return troublesOf(this.#deps.toolbox, whose);
  }

  /** The tools that `agent` may use, with or without asking. */
  async list(tenant_id: string, agent: AgentConfig): Promise<Tool[]> {
    if (agent.allowed_tools.length === 0) return [];
    const { policies } = this.#deps;
    return (await this.#known.list(tenant_id)).filter((tool) =>
      judge(agent, tool.name) !== "deny" && isAttached(agent, tool) && policies.rulingOf(tool).decision !== "deny"
    );
  }

  /** What the model of `agent` is offered: its tools, or those that find and call them; and those that read resources. */
  async offered(tenant_id: string, agent: AgentConfig, { eyes }: { eyes?: Eyes | undefined } = {}) {
    const tools = await this.list(tenant_id, agent);
    const reading = await this.#deps.resources.offered(tenant_id, agent);
    const offered: readonly Tool[] = agent.tool_search && tools.length > 0 ? SEARCH_TOOLS : tools;
    const may = eyes && mayLook(agent) && this.#checkLook(agent).verdict !== "refused";
    // Nobody is asked for what the model can't read.
    const looking = may && await eyes.reads(agent.model) ? [LOOK_TOOL] : [];
    return reading.length + looking.length === 0 ? offered : [...offered, ...reading, ...looking];
  }

  /** Decides about a call before it is made: does the tool exist, may it be called, do the arguments fit. */
  async check(
    agent: AgentConfig | undefined,
    { tenant_id, tool: name, arguments: args, eyes }: ToolTarget,
  ): Promise<Checked> {
    const refuse = (error: AppError): Checked => ({ verdict: "refused", error });
    const own = agent?.tool_search ? SEARCH_TOOLS.find((tool) => tool.name === name) : undefined;
    if (own) {
      const error = this.#misfit(own, args);
      return error ? refuse(error) : { verdict: "allow", tool: own };
    }
    if (agent && name === LOOK && mayLook(agent)) return this.#checkLook(agent, { args, eyes });
    const reading = this.#deps.resources.find(agent, name);
    if (agent && reading) return this.#checkReading(agent, reading, { tenant_id, arguments: args });
    const judged = agent ? judge(agent, name) : "allow";
    if (agent && judged === "deny") return refuse(forbidden(name, whyDenied(agent, name)));
    const tool = await this.#known.find(tenant_id, name) ?? await this.#reach(name, { tenant_id, agent });
    if (!tool) return refuse(this.missing(name, { tenant_id, agent }));
    if (agent && !isAttached(agent, tool)) {
      const why = `the agent's policy does not allow it: add { name: ${tool.server} } to mcp_servers`;
      return refuse(forbidden(name, why));
    }
    const ruling = this.#deps.policies.rulingOf(tool);
    const error = denial(name, ruling) ?? this.#misfit(tool, args) ?? this.#against(name, ruling, args);
    if (error) return refuse(error);
    if (ruling.decision === "ask") return { verdict: "ask", tool, ruling, reason: ruling.reason };
    return { verdict: judged === "ask" ? "ask" : "allow", tool, ruling };
  }

  /**
   * Calls a tool. Resolves with its answer, also where that says that it failed, without secrets and within bounds.
   * Rejects when there is none.
   */
  async call(target: ToolTarget, context: CallContext): Promise<ToolResult> {
    const { tenant_id, tool: name, arguments: args } = target;
    const { agent, caller, signal } = context;
    if (agent?.tool_search && name === TOOL_SEARCH) {
      return boundedResult(answerSearch(args, await this.list(tenant_id, agent)), undefined);
    }
    if (agent && name === LOOK && mayLook(agent)) {
      if (!target.eyes) throw blind();
      const { reason, source } = args as { reason: string; source?: LookSource };
      const { tool_call_id, eyes } = target;
      return await answerLook(
        eyes,
        { run_id: context.audience, tool_call_id, reason, ...source && { source } },
        context,
      );
    }
    if (agent && this.#deps.resources.find(agent, name)) {
      return await this.#deps.resources.call(tenant_id, target, { ...context, agent });
    }
    const tool = await this.#known.find(tenant_id, name);
    if (!tool) throw this.missing(name, { tenant_id, agent });
    // It may have changed since the call was checked: a person took a day to approve it.
    const ruling = this.#deps.policies.rulingOf(tool);
    const isChecked = ruling === context.ruling;
    const denied = isChecked ? undefined : denial(name, ruling) ?? this.#against(name, ruling, args);
    if (denied) throw denied;
    const { per_minute, concurrent } = ruling;
    if (per_minute !== undefined) this.#quota.spend(name, { caller, per_minute });
    const turn = concurrent === undefined ? undefined : await this.#quota.enter(name, { concurrent, signal });
    try {
      const secrets = this.#secretsDuring(name);
      const result = await this.#request(target, { ...context, limits: this.#limitsOf(name, ruling), secrets });
      return boundedResult(this.#checked(tool, cleanResult(result, secrets())), ruling.max_result_bytes);
    } finally {
      turn?.[Symbol.dispose]();
    }
  }

  /** What the server of `tool` says, without what it was trusted with. */
  clean<T>(tool: string, said: T): T {
    return withoutSecrets(said, this.#deps.toolbox.secretsOf?.(tool) ?? []);
  }

  /** Lets the time of a call under way stand still until disposed: a person is asked. */
  pause(tool_call_id: string): Disposable | undefined {
    return this.#times.get(tool_call_id)?.pause();
  }

  /** Tries the server of a tool at once that nobody has seen yet: a call doesn't wait for the next attempt. */
  async #reach(name: string, whose: TroubleOf): Promise<Tool | undefined> {
    const server = unseenTool(this.#deps.toolbox, name, whose)?.details?.server;
    if (typeof server !== "string") return undefined;
    await this.#deps.toolbox.reach?.(server);
    return await this.#known.find(whose.tenant_id, name);
  }

  /** Decides about a look, or, without arguments, about any. */
  #checkLook(agent: AgentConfig, asked?: { args: Record<string, unknown>; eyes: Eyes | undefined }): Checked {
    const judged = judgeOffered(agent, [LOOK]);
    const ruling = this.#deps.policies.rulingOf(LOOK_TOOL);
    const against = asked && (asked.eyes ? this.#misfit(LOOK_TOOL, asked.args) : blind());
    const error = judged === "deny" ? forbidden(LOOK, whyDenied(agent, LOOK)) : denial(LOOK, ruling) ?? against;
    if (error) return { verdict: "refused", error };
    if (ruling.decision === "ask") return { verdict: "ask", tool: LOOK_TOOL, reason: ruling.reason };
    return { verdict: judged === "ask" ? "ask" : "allow", tool: LOOK_TOOL };
  }

  #checkReading(
    agent: AgentConfig,
    tool: Tool,
    { tenant_id, arguments: args }: Pick<ToolTarget, "tenant_id" | "arguments">,
  ): Checked {
    const error = this.#misfit(tool, args);
    if (error) return { verdict: "refused", error };
    try {
      return { tool, ...this.#deps.resources.check(tenant_id, agent, { tool: tool.name, arguments: args }) };
    } catch (thrown) {
      return { verdict: "refused", error: AppError.from(thrown) };
    }
  }

  async #request(
    { tool, arguments: args, tool_call_id }: ToolTarget,
    { signal, caller, user_id, audience, onProgress, limits, secrets }: CallContext & {
      limits: CallLimits;
      secrets: () => readonly string[];
    },
  ): Promise<ToolResult> {
    const { toolbox, clock } = this.#deps;
    signal.throwIfAborted();
    const ended = new AbortController();
    const { promise, resolve, reject } = Promise.withResolvers<ToolResult>();
    // Who asks waits no longer, whatever the server does.
    const end = (reason: unknown) => {
      reject(reason);
      ended.abort(reason);
    };
    const stop = () => end(signal.reason);
    signal.addEventListener("abort", stop);
    const time = new CallTime(limits, { clock, onOver: (ms) => end(tooLong(tool, ms)) });
    this.#times.set(tool_call_id, time);
    const telling = (progress: Progress) => {
      time.progress();
      onProgress?.(withoutSecrets(progress, secrets()));
    };
    try {
      const owner = JSON.stringify([caller, user_id]);
      const to = { tool_call_id, audience, owner, ...user_id !== null && { user_id } };
      const options = { signal: ended.signal, onProgress: telling, ...to };
      toolbox.call(tool, args, options).then(resolve, reject);
      return await promise;
    } catch (error) {
      signal.throwIfAborted();
      if (ended.signal.aborted) throw ended.signal.reason;
      throw toTellable(tool, error, secrets());
    } finally {
      time[Symbol.dispose]();
      this.#times.delete(tool_call_id);
      signal.removeEventListener("abort", stop);
    }
  }

  /** What must not be told in a call: its server may get a token in its middle, or be gone at its end. */
  #secretsDuring(tool: string): () => readonly string[] {
    const secretsOf = () => this.#deps.toolbox.secretsOf?.(tool) ?? [];
    const before = secretsOf();
    return () => {
      const now = secretsOf();
      return now === before ? now : toSecrets([...before, ...now]);
    };
  }

  #limitsOf(tool: string, { timeout_seconds, max_timeout_seconds }: Ruling): CallLimits {
    const { toolbox, timeout_ms, max_timeout_ms } = this.#deps;
    const own = toolbox.timeoutsOf?.(tool);
    const silent = smallest(timeout_seconds, own?.timeout_ms) ?? timeout_ms;
    return {
      timeout_ms: silent,
      max_timeout_ms: smallest(max_timeout_seconds, own?.max_timeout_ms) ?? Math.max(max_timeout_ms, silent),
    };
  }

  /** What is wrong with arguments. */
  #misfit({ name, parameters }: Tool, args: Record<string, unknown>): AppError | undefined {
    const problems = INVALID_ARGUMENTS in args
      ? ["its arguments are not a JSON object"]
      : this.#deps.schema.check(parameters, args);
    return problems.length === 0 ? undefined : invalid("ValidationError", name, problems);
  }

  /** What the policy has against arguments. */
  #against(name: string, { policy, reason, arguments: schemas }: Ruling, args: Record<string, unknown>) {
    const problems = schemas.flatMap((schema) => this.#deps.schema.check(schema, args));
    if (problems.length === 0) return undefined;
    const why = `policy "${policy}" does not allow these arguments${reason === undefined ? "" : ` (${reason})`}`;
    return invalid("ForbiddenError", name, [`${why}: ${problems[0]}`, ...problems.slice(1)]);
  }

  /** An answer that breaks its tool's own promise is a failure, and shown as it is. */
  #checked({ name, output_schema }: Tool, result: ToolResult): ToolResult {
    if (output_schema === undefined || result.is_error) return result;
    const { structured_content, content } = result;
    const problems = structured_content === undefined
      ? ["it has no structured content"]
      : this.#deps.schema.check(output_schema, structured_content);
    if (problems.length === 0) return result;
    const text = `The answer of tool "${name}" is not what its schema promises: ${problems.slice(0, 5).join("; ")}`;
    const kept = content.length > 0 || structured_content === undefined
      ? content
      : [{ type: "text" as const, text: JSON.stringify(structured_content) }];
    return { content: [{ type: "text", text }, ...kept], is_error: true };
  }
}

function blind(): AppError {
  return new AppError("ConflictError", "Cannot look: this answer is not given in a call that shows something");
}

function smallest(seconds: number | undefined, ms: number | undefined): number | undefined {
  const least = Math.min(seconds === undefined ? Infinity : seconds * 1000, ms ?? Infinity);
  return least === Infinity ? undefined : least;
}
