/**
 * Reading what servers offer beside tools: allowed by their policies, bounded in time and size, and on record.
 *
 * @module
 */
import { ownerOf, type Principal } from "../../domain/access.ts";
import { AppError } from "../../domain/error.ts";
import { McpFailure } from "../../domain/mcp_server.ts";
import type { ToolCallRow } from "../../domain/table.ts";
import type { ToolResult } from "../../domain/tool.ts";
import { within } from "../../kit/abortable.ts";
import type { Clock } from "../../kit/clock.ts";
import { createId } from "../../kit/id.ts";
import type { JsonSchema } from "../../ports/json_schema.ts";
import type { McpReadOptions } from "../../ports/mcp_client.ts";
import type { Store } from "../../ports/store.ts";
import type { McpHub } from "../mcp_servers/hub.ts";
import type { Upstream } from "../mcp_servers/upstream.ts";
import type { Policies } from "../policies/policies.ts";
import type { Ruling } from "../policies/ruling.ts";
import { toKept, toRow } from "./direct_rows.ts";
import { Quota } from "./quota.ts";
import { denial, invalid, tooLong, toTellable } from "./refusals.ts";
import { cleanResult, MAX_MEDIA_BYTES } from "./result.ts";

/** What {@linkcode ServerReads} needs. */
export interface ServerReadsDeps {
  hub: McpHub;
  policies: Policies;
  schema: JsonSchema;
  store: Store;
  clock: Clock;
  /** How long a server may be silent where neither its definition nor its policy says so. */
  timeout_ms: () => number;
}

/** By what name the rules of policies know each kind of reading; patterns such as `*` match it, too. */
export type Reading = "resources/read" | "prompts/get";

/** What is to be read. */
export interface ReadRequest {
  server: string;
  reading: Reading;
  arguments: Record<string, unknown>;
  signal: AbortSignal;
  work(upstream: Upstream, options: McpReadOptions): Promise<ToolResult>;
}

/** A server says of an address that it doesn't know it: in the newer era, and in the older. */
const UNKNOWN: ReadonlySet<unknown> = new Set([-32602, -32002]);

/** Reads for people and programs. */
export class ServerReads {
  readonly #deps: ServerReadsDeps;
  readonly #quota: Quota;

  constructor(deps: ServerReadsDeps) {
    this.#deps = deps;
    this.#quota = new Quota(deps);
  }

  /** The servers of a tenant. */
  serversOf({ tenant_id }: Principal): Promise<Upstream[]> {
    return this.#deps.hub.serversOf(tenant_id);
  }

  /** Those at which `principal` may read. */
  async serversFor(principal: Principal, reading: Reading): Promise<Upstream[]> {
    return (await this.serversOf(principal)).filter(({ definition: { name } }) => {
      return refusal(principal, nameOf(name, reading), this.#rulingOf(name, reading)) === undefined;
    });
  }

  /** One of {@linkcode serversFor}. Throws where there is none of that name, or it may not be read. */
  serverFor(principal: Principal, name: string, reading: Reading): Upstream {
    const upstream = this.#deps.hub.serverOf(principal.tenant_id, name);
    if (!upstream) throw new AppError("NotFoundError", `Cannot find tool server "${name}"`);
    const refused = refusal(principal, nameOf(name, reading), this.#rulingOf(name, reading));
    if (refused) throw refused;
    return upstream;
  }

  /** Reads. What it resolves with holds no secrets. */
  async read(principal: Principal, request: ReadRequest): Promise<ToolResult> {
    const { server, reading, arguments: args, signal } = request;
    const upstream = this.serverFor(principal, server, reading);
    const ruling = this.#rulingOf(server, reading);
    const tool = nameOf(server, reading);
    const problems = ruling.arguments.flatMap((schema) => this.#deps.schema.check(schema, args));
    if (problems.length > 0) throw invalid("ForbiddenError", tool, problems);
    const { per_minute, concurrent } = ruling;
    const caller = `${principal.tenant_id}/${principal.key_id}`;
    if (per_minute !== undefined) this.#quota.spend(tool, { caller, per_minute });
    using _ = concurrent === undefined ? undefined : await this.#quota.enter(tool, { concurrent, signal });
    return await this.#recorded(principal, request, () => this.#bounded(principal, upstream, { request, ruling }));
  }

  #rulingOf(server: string, reading: Reading): Ruling {
    const hints = { read_only: true, destructive: false, idempotent: true, open_world: true };
    const tool = { name: nameOf(server, reading), own_name: reading, server, description: "", parameters: {} };
    return this.#deps.policies.rulingOf({ ...tool, ...hints });
  }

  async #bounded(
    { user_id }: Principal,
    upstream: Upstream,
    { request: { server, reading, signal, work }, ruling }: { request: ReadRequest; ruling: Ruling },
  ): Promise<ToolResult> {
    const { clock, timeout_ms } = this.#deps;
    const tool = nameOf(server, reading);
    const seconds = Math.min(ruling.timeout_seconds ?? Infinity, upstream.definition.timeout_seconds ?? Infinity);
    const ms = seconds === Infinity ? timeout_ms() : seconds * 1000;
    const asUser = user_id === undefined ? {} : { user_id };
    try {
      const result = await within((signal) => work(upstream, { signal, ...asUser }), {
        clock,
        ms,
        signal,
        late: () => tooLong(tool, ms),
      });
      return this.#checked(tool, cleanResult(result, upstream.secrets), ruling);
    } catch (thrown) {
      signal.throwIfAborted();
      const error = toTellable(tool, thrown, upstream.secrets);
      const { kind, details } = thrown instanceof McpFailure ? thrown : {};
      const isUnknown = reading === "resources/read" && kind === "refused" && UNKNOWN.has(details?.code);
      throw isUnknown ? new AppError("NotFoundError", error.message, { cause: thrown }) : error;
    }
  }

  /** Half a file is of no use to anybody, so what is too long is not passed on at all. */
  #checked(tool: string, result: ToolResult, { max_result_bytes: most = MAX_MEDIA_BYTES }: Ruling): ToolResult {
    const size = result.content.reduce((sum, part) => sum + JSON.stringify(part).length, 0);
    if (size <= most) return result;
    throw new AppError(
      "UpstreamError",
      `Cannot pass on what "${tool}" gave: it has ${size} bytes, at most ${most} are`,
    );
  }

  async #recorded(
    principal: Principal,
    { server, reading, arguments: args, signal }: ReadRequest,
    work: () => Promise<ToolResult>,
  ): Promise<ToolResult> {
    const { store, clock } = this.#deps;
    const call = { tool: nameOf(server, reading), arguments: args, tool_call_id: createId("tool") };
    const started = clock.now();
    const keep = (outcome: Pick<ToolCallRow, "status" | "result" | "error">) => {
      const known = { ...ownerOf(principal), ...outcome, idempotent: true };
      return store.commit({
        writes: [{ insert: "tool_calls", rows: [toRow(call, known, { started, ended: clock.now() })] }],
      });
    };
    try {
      const result = await work();
      await keep({ status: "completed", result: toKept(result), error: null });
      return result;
    } catch (thrown) {
      const error = AppError.from(thrown).toBody();
      await keep({ status: signal.aborted ? "cancelled" : "failed", result: null, error });
      throw thrown;
    }
  }
}

/** What a reading is called among the tools. */
function nameOf(server: string, reading: Reading): string {
  return `${server}__${reading}`;
}

function refusal({ access }: Principal, tool: string, ruling: Ruling): AppError | undefined {
  if (ruling.decision !== "ask" || access === "admin") return denial(tool, ruling);
  const why =
    `policy "${ruling.policy}" leaves it to a person, and nobody can be asked: its rule would have to say allow`;
  return new AppError("ForbiddenError", `Cannot use "${tool}": ${why}`);
}
