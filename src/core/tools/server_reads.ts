/**
 * Reading what servers offer beside tools: allowed by their policies, bounded in time and size, and on record.
 *
 * @module
 */
import { ownerOf, type Principal } from "../../domain/access.ts";
import { NO_PROPOSALS, type Proposals } from "../../domain/proposals.ts";
import { AppError } from "../../domain/error.ts";
import type { McpFailureKind } from "../../domain/mcp_server.ts";
import type { ToolCallRow } from "../../domain/table.ts";
import type { ToolResult } from "../../domain/tool.ts";
import { within } from "../../kit/abortable.ts";
import { createId } from "../../kit/id.ts";
import type { CompletionRequest, McpReadOptions } from "../../ports/mcp_client.ts";
import type { Store } from "../../ports/store.ts";
import type { Upstream } from "../mcp_servers/upstream.ts";
import type { Ruling } from "../policies/ruling.ts";
import { toKept, toRow } from "./direct_rows.ts";
import {
  type Admitted,
  nameOf,
  type Reader,
  type Reading,
  ReadingRules,
  type ReadingRulesDeps,
  toReader,
  type Wanted,
} from "./reading_rules.ts";
import { tooLong, toTellable } from "./refusals.ts";
import { boundedResult, cleanResult, MAX_MEDIA_BYTES, withoutSecrets } from "./result.ts";

/** What {@linkcode ServerReads} needs. */
export interface ServerReadsDeps extends ReadingRulesDeps {
  store: Store;
  /** How long a server may be silent where neither its definition nor its policy says so. */
  timeout_ms: () => number;
}

/** What is to be read. */
export interface ReadRequest extends Wanted {
  signal: AbortSignal;
  work(upstream: Upstream, options: McpReadOptions): Promise<ToolResult>;
}

/** What is to be completed. Its `arguments` are what policies are asked about. */
export interface CompleteRequest extends Wanted {
  signal: AbortSignal;
  typed: CompletionRequest;
}

/** A server says of an address that it doesn't know it: in the newer era, and in the older. */
const UNKNOWN: ReadonlySet<unknown> = new Set([-32602, -32002]);
const REFUSED: McpFailureKind = "refused";
const NO_METHOD = -32601;
/** Whoever types doesn't wait for longer. */
const TYPING_MS = 10_000;

/** Reads for people and programs. */
export class ServerReads {
  readonly rules: ReadingRules;
  readonly #deps: ServerReadsDeps;

  constructor(deps: ServerReadsDeps) {
    this.#deps = deps;
    this.rules = new ReadingRules(deps);
  }

  /** The servers of a tenant. */
  serversOf({ tenant_id }: Principal): Promise<Upstream[]> {
    return this.rules.serversOf(tenant_id);
  }

  /** Those at which `principal` may read. */
  serversFor(principal: Principal, reading: Reading): Promise<Upstream[]> {
    return this.rules.serversFor(toReader(principal), reading);
  }

  /** One of {@linkcode serversFor}. Throws where there is none of that name, or it may not be read. */
  serverFor(principal: Principal, name: string, reading: Reading): Upstream {
    return this.rules.serverFor(toReader(principal), name, reading).upstream;
  }

  /** Reads. What it resolves with holds no secrets. */
  async read(principal: Principal, request: ReadRequest): Promise<ToolResult> {
    const reader = toReader(principal);
    const admitted = this.rules.admit(reader, request);
    using _ = await this.#turn(reader, request, admitted);
    return await this.#recorded(principal, request, async () => {
      const tool = nameOf(request.server, request.reading);
      return whole(tool, await this.#clean(reader, admitted, request), admitted.ruling);
    });
  }

  /** The same for whoever keeps account of it themselves, within the bounds of what models are told. */
  async readFor(reader: Reader, request: ReadRequest): Promise<ToolResult> {
    const admitted = this.rules.admit(reader, request);
    using _ = await this.#turn(reader, request, admitted);
    return boundedResult(await this.#clean(reader, admitted, request), admitted.ruling.max_result_bytes);
  }

  /** Has a server propose values. That is asked with every key that is typed, so it is neither counted nor on record. */
  async complete(principal: Principal, request: CompleteRequest): Promise<Proposals> {
    const reader = toReader(principal);
    const admitted = this.rules.admit(reader, request, { unfinished: true });
    const { upstream, ruling } = admitted;
    const { typed, signal } = request;
    using _ = await this.rules.enter(request, ruling, signal);
    try {
      const proposals = await this.#within(reader, admitted, {
        ...request,
        most_ms: TYPING_MS,
        work: (upstream, options) => upstream.complete(typed, options),
      });
      return withoutSecrets(proposals, upstream.secrets);
    } catch (thrown) {
      const error = AppError.from(thrown);
      if (codeOf(error) === NO_METHOD) return NO_PROPOSALS;
      throw UNKNOWN.has(codeOf(error)) ? new AppError("NotFoundError", error.message, { cause: thrown }) : thrown;
    }
  }

  #turn(reader: Reader, request: ReadRequest, { ruling }: Admitted): Promise<Disposable> {
    this.rules.spend(reader, request, ruling);
    return this.rules.enter(request, ruling, request.signal);
  }

  async #clean(reader: Reader, admitted: Admitted, request: ReadRequest): Promise<ToolResult> {
    const result = await this.#within(reader, admitted, { ...request, most_ms: Infinity });
    return cleanResult(result, admitted.upstream.secrets);
  }

  /** Does `work` in the time it may take; what it rejects with can be told. */
  async #within<T>(
    { user_id }: Reader,
    { upstream, ruling }: Admitted,
    { server, reading, signal, most_ms, work }: Omit<Wanted, "arguments"> & {
      signal: AbortSignal;
      most_ms: number;
      work(upstream: Upstream, options: McpReadOptions): Promise<T>;
    },
  ): Promise<T> {
    const { clock, timeout_ms } = this.#deps;
    const tool = nameOf(server, reading);
    const seconds = Math.min(ruling.timeout_seconds ?? Infinity, upstream.definition.timeout_seconds ?? Infinity);
    const ms = Math.min(most_ms, seconds === Infinity ? timeout_ms() : seconds * 1000);
    const asUser = user_id === undefined ? {} : { user_id };
    try {
      return await within((signal) => work(upstream, { signal, ...asUser }), {
        clock,
        ms,
        signal,
        late: () => tooLong(tool, ms),
      });
    } catch (thrown) {
      signal.throwIfAborted();
      const error = toTellable(tool, thrown, upstream.secrets);
      const isUnknown = reading === "resources/read" && UNKNOWN.has(codeOf(error));
      throw isUnknown ? new AppError("NotFoundError", error.message, { cause: thrown }) : error;
    }
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

/** The code with which a server refused. */
function codeOf({ details: { reason, code } = {} }: AppError): unknown {
  return reason === REFUSED ? code : undefined;
}

/** Half a file is of no use to anybody, so what is too long is not passed on at all. */
function whole(
  tool: string,
  result: ToolResult,
  { max_result_bytes: most = MAX_MEDIA_BYTES }: Ruling,
): ToolResult {
  const size = result.content.reduce((sum, part) => sum + JSON.stringify(part).length, 0);
  if (size <= most) return result;
  throw new AppError(
    "UpstreamError",
    `Cannot pass on what "${tool}" gave: it has ${size} bytes, at most ${most} are`,
  );
}
