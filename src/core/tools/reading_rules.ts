/**
 * Who may read what servers offer beside tools, how often and how many at a time.
 *
 * @module
 */
import type { Principal } from "../../domain/access.ts";
import { AppError } from "../../domain/error.ts";
import type { Clock } from "../../kit/clock.ts";
import type { JsonSchema } from "../../ports/json_schema.ts";
import type { McpHub } from "../mcp_servers/hub.ts";
import type { Upstream } from "../mcp_servers/upstream.ts";
import type { Policies } from "../policies/policies.ts";
import type { Ruling } from "../policies/ruling.ts";
import { Quota } from "./quota.ts";
import { denial, invalid } from "./refusals.ts";

/** By what name the rules of policies know each kind of reading; patterns such as `*` match it, too. */
export type Reading = "resources/read" | "prompts/get";

/** What {@linkcode ReadingRules} needs. */
export interface ReadingRulesDeps {
  hub: McpHub;
  policies: Policies;
  schema: JsonSchema;
  clock: Clock;
}

/** Who reads. */
export interface Reader {
  tenant_id: string;
  /** Whose readings count together. */
  caller: string;
  user_id?: string | undefined;
  /** Whether a person consents, where the rules leave it to one. */
  consents: boolean;
}

/** What somebody wants to read, as policies see it. */
export interface Wanted {
  server: string;
  reading: Reading;
  arguments: Record<string, unknown>;
}

/** Where something may be read, and under which rules. */
export interface Admitted {
  upstream: Upstream;
  ruling: Ruling;
}

/** `principal` as a reader. What an admin reads, a person consents to. */
export function toReader({ tenant_id, key_id, user_id, access }: Principal): Reader {
  return { tenant_id, caller: `${tenant_id}/${key_id}`, user_id, consents: access === "admin" };
}

/** See the module. */
export class ReadingRules {
  readonly #deps: ReadingRulesDeps;
  readonly #quota: Quota;

  constructor(deps: ReadingRulesDeps) {
    this.#deps = deps;
    this.#quota = new Quota(deps);
  }

  /** The servers of a tenant. */
  serversOf(tenant_id: string): Promise<Upstream[]> {
    return this.#deps.hub.serversOf(tenant_id);
  }

  /** Those at which `reader` may read. */
  async serversFor(reader: Reader, reading: Reading): Promise<Upstream[]> {
    return (await this.serversOf(reader.tenant_id)).filter(({ definition: { name } }) => {
      return refusal(reader, nameOf(name, reading), this.#rulingOf(name, reading)) === undefined;
    });
  }

  /** The server `name`. Throws where there is none of that name, or it may not be read. */
  serverFor(reader: Reader, name: string, reading: Reading): Admitted {
    const upstream = this.#deps.hub.serverOf(reader.tenant_id, name);
    if (!upstream) throw new AppError("NotFoundError", `Cannot find tool server "${name}"`);
    const ruling = this.#rulingOf(name, reading);
    const refused = refusal(reader, nameOf(name, reading), ruling);
    if (refused) throw refused;
    return { upstream, ruling };
  }

  /** The server to read at. Throws where the rules don't allow it; `unfinished` may miss arguments. */
  admit(
    reader: Reader,
    { server, reading, arguments: args }: Wanted,
    { unfinished = false }: { unfinished?: boolean } = {},
  ): Admitted {
    const admitted = this.serverFor(reader, server, reading);
    const schemas = admitted.ruling.arguments.map((schema) => unfinished ? withoutRequired(schema) : schema);
    const problems = schemas.flatMap((schema) => this.#deps.schema.check(schema, args));
    if (problems.length > 0) throw invalid("ForbiddenError", nameOf(server, reading), problems);
    return admitted;
  }

  /** Takes one reading from what `reader` may do in a minute. Throws `TooManyRequestsError`. */
  spend({ caller }: Reader, { server, reading }: Wanted, { per_minute }: Ruling): void {
    if (per_minute !== undefined) this.#quota.spend(nameOf(server, reading), { caller, per_minute });
  }

  /** Waits for its turn, which ends when the result is disposed. */
  async enter({ server, reading }: Wanted, { concurrent }: Ruling, signal: AbortSignal): Promise<Disposable> {
    if (concurrent === undefined) return { [Symbol.dispose]: () => {} };
    return await this.#quota.enter(nameOf(server, reading), { concurrent, signal });
  }

  #rulingOf(server: string, reading: Reading): Ruling {
    const hints = { read_only: true, destructive: false, idempotent: true, open_world: true };
    const tool = { name: nameOf(server, reading), own_name: reading, server, description: "", parameters: {} };
    return this.#deps.policies.rulingOf({ ...tool, ...hints });
  }
}

/** What a reading is called among the tools. */
export function nameOf(server: string, reading: Reading): string {
  return `${server}__${reading}`;
}

/** What has yet to be filled in can't be missing. */
function withoutRequired({ required: _, ...schema }: Record<string, unknown>): Record<string, unknown> {
  return schema;
}

function refusal({ consents }: Reader, tool: string, ruling: Ruling): AppError | undefined {
  if (ruling.decision !== "ask" || consents) return denial(tool, ruling);
  const why =
    `policy "${ruling.policy}" leaves it to a person, and nobody can be asked: its rule would have to say allow`;
  return new AppError("ForbiddenError", `Cannot use "${tool}": ${why}`);
}
