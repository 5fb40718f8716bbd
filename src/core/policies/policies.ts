/**
 * The policies in force: of the files, and of whoever changed them since.
 *
 * @module
 */
import { type Owner, ownerOf, type Principal } from "../../domain/access.ts";
import { AppError, CommitRefused } from "../../domain/error.ts";
import type { McpServerSource } from "../../domain/mcp_definition.ts";
import { choosePolicy, DEFAULT_POLICY, type NamedPolicy, type Policy, type PolicyFile } from "../../domain/policy.ts";
import type { PolicyRow } from "../../domain/table.ts";
import type { Tool } from "../../domain/tool.ts";
import { type Clock, toTime } from "../../kit/clock.ts";
import type { JsonSchema } from "../../ports/json_schema.ts";
import type { Store } from "../../ports/store.ts";
import { checkPolicy, checkPolicyFiles } from "./check_policy.ts";
import { GrantedPaths, type GrantedPathsOptions } from "./granted_paths.ts";
import { type HeldPolicy, refuseGrants, withholdGrants } from "./grants_of_files.ts";
import { type Ruling, rulingOf } from "./ruling.ts";

/** How many policies there may be, and how many revisions of each are kept. */
const MAX_POLICIES = 1000;
const MAX_REVISIONS = 50;

/** What {@linkcode Policies} needs. */
export interface PoliciesDeps {
  store: Store;
  schema: JsonSchema;
  clock: Clock;
  /** A policy of a later file replaces the one of the same id. */
  files: readonly PolicyFile[];
  /** Whether changes may grant what else only files grant. */
  trust_changes: boolean;
  /** The folders that changes may let programs read and write. */
  paths: readonly string[];
  realPath: GrantedPathsOptions["realPath"];
  /** Whether a variable is one of MUXI's own, which may hold its secrets. */
  isOwnVariable: (name: string) => boolean;
}

/** A policy, and where it comes from. */
export interface KnownPolicy {
  policy: NamedPolicy;
  /** `file`: it stands in a file, whoever changed it since. */
  source: "file" | "api";
  /** 0 for one that stands in a file and was never changed. */
  revision: number;
  updated_at: string | null;
  updated_by: string | null;
}

/** A change of a policy. Rejects by throwing. */
export type ChangePolicy = (before: Policy | undefined) => Policy;

/** Finds and changes policies. A change is in force from the next question on. */
export class Policies {
  #deps: PoliciesDeps;
  #rows = new Map<string, PolicyRow>();
  #known = new Map<string, KnownPolicy>();
  #all: readonly NamedPolicy[] = [];
  #byServer = new Map<string | null, NamedPolicy>();
  #rulings = new WeakMap<Tool, Ruling>();
  #listeners = new Set<() => void>();

  constructor(deps: PoliciesDeps) {
    this.#deps = deps;
    this.checkFiles(deps.files);
    this.#collect();
  }

  /** Reads what was changed before this process. To be called once, before anything is asked. */
  async load(): Promise<void> {
    const rows = await this.#deps.store.read({ from: "policies", where: { replaced_at: null }, limit: MAX_POLICIES });
    this.#rows = new Map(rows.map((row) => [row.id, row]));
    this.#collect();
  }

  /** Throws `ValidationError` where `files` can't be put in force. */
  checkFiles(files: readonly PolicyFile[]): void {
    checkPolicyFiles(files, this.#deps.schema);
  }

  /** Puts other files in force, or throws as {@linkcode checkFiles} does and changes nothing. */
  replaceFiles(files: readonly PolicyFile[], trust: Pick<PoliciesDeps, "trust_changes" | "paths">): void {
    this.checkFiles(files);
    this.#deps = { ...this.#deps, files, ...trust };
    this.#collect();
  }

  /** The policy for a server; null stands for tools that belong to none. */
  of(server: string | null): NamedPolicy {
    let policy = this.#byServer.get(server);
    if (!policy) this.#byServer.set(server, policy = choosePolicy(this.#all, server) ?? DEFAULT_POLICY);
    return policy;
  }

  /**
   * The policy that holds the program of a server with the folder `cwd`, which trusts it only where files define the
   * server as well.
   */
  holding(server: string, { source, cwd }: { source: McpServerSource; cwd: string | undefined }): HeldPolicy {
    const policy = this.of(server);
    if (this.trusts(source)) return { policy };
    const { isOwnVariable } = this.#deps;
    return withholdGrants(policy, server, { isOwnVariable, paths: this.grantedPaths, cwd });
  }

  /** What the API may let programs read and write. */
  get grantedPaths(): GrantedPaths {
    const { trust_changes, paths, realPath } = this.#deps;
    return new GrantedPaths({ folders: trust_changes ? ["/"] : paths, realPath });
  }

  /** Whether what comes from `source` may be granted what else only files grant. */
  trusts(source: McpServerSource): boolean {
    return source !== "api" || this.#deps.trust_changes;
  }

  /** What is said of a tool. */
  rulingOf(tool: Tool): Ruling {
    let ruling = this.#rulings.get(tool);
    if (!ruling) this.#rulings.set(tool, ruling = rulingOf(this.of(tool.server), tool));
    return ruling;
  }

  /** Every policy, by its id. */
  list(): KnownPolicy[] {
    return [...this.#known.values()].sort((a, b) => a.policy.id < b.policy.id ? -1 : 1);
  }

  /** The policy `id`. Throws `NotFoundError`. */
  get(id: string): KnownPolicy {
    const known = this.#known.get(id);
    if (!known) throw new AppError("NotFoundError", `Cannot find policy "${id}"`);
    return known;
  }

  /** The revisions of a policy that were made here, the newest first. */
  async history(id: string): Promise<PolicyRow[]> {
    this.get(id);
    return await this.#deps.store.read({
      from: "policies",
      where: { id },
      order: [["revision", "desc"]],
      limit: MAX_REVISIONS,
    });
  }

  /**
   * Changes the policy `id`, or makes it. `revision` is the one that the change was made for: another one by now is a
   * `ConflictError`, and granting what only files grant a `ForbiddenError`.
   */
  async update(
    owner: Principal | Owner,
    id: string,
    { change, revision }: { change: ChangePolicy; revision?: number | undefined },
  ): Promise<KnownPolicy> {
    const before = this.#known.get(id);
    const current = before?.revision ?? 0;
    if (revision !== undefined && revision !== current) throw conflict(id, current, revision);
    const policy = change(before && withoutId(before.policy));
    if (before && isSame(withoutId(before.policy), policy)) return before;
    checkPolicy(id, policy, this.#deps.schema);
    const { trust_changes, isOwnVariable } = this.#deps;
    if (!trust_changes) refuseGrants(id, { before: before?.policy, policy, isOwnVariable });
    this.grantedPaths.refuse(id, { before: before?.policy, policy });
    if (!before && this.#known.size >= MAX_POLICIES) {
      throw new AppError("ConflictError", `Cannot make policy "${id}": there are ${MAX_POLICIES} already`);
    }
    const now = toTime(this.#deps.clock.now());
    const { tenant_id, key_id, user_id } = "access" in owner ? ownerOf(owner) : owner;
    const row: PolicyRow = {
      tenant_id,
      key_id,
      user_id,
      id,
      revision: current + 1,
      policy,
      created_at: now,
      replaced_at: null,
    };
    try {
      await this.#deps.store.commit({
        writes: [
          { update: "policies", where: { id, replaced_at: null }, set: { replaced_at: now } },
          { insert: "policies", rows: [row] },
          { delete: "policies", where: { id, revision: { lte: row.revision - MAX_REVISIONS } } },
        ],
      });
    } catch (error) {
      if (!(error instanceof CommitRefused)) throw error;
      throw conflict(id, this.#known.get(id)?.revision ?? row.revision, current);
    }
    this.#rows.set(id, row);
    this.#collect();
    return this.get(id);
  }

  /** Forgets a policy, with its history. Rejects with `ConflictError` where a file holds it. */
  async remove(id: string): Promise<void> {
    if (this.get(id).source === "file") {
      const why = "it stands in a file of policies, where it has to be taken out";
      throw new AppError("ConflictError", `Cannot delete policy "${id}": ${why}`, { details: { policy: id } });
    }
    await this.#deps.store.commit({ writes: [{ delete: "policies", where: { id } }] });
    this.#rows.delete(id);
    this.#collect();
  }

  /** Calls `listener` after each change, until disposed. */
  watch(listener: () => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  #collect(): void {
    this.#known = new Map();
    for (const { policies } of this.#deps.files) {
      for (const [id, policy] of Object.entries(policies)) {
        const policyOfFile = { ...policy, id };
        this.#known.set(id, { policy: policyOfFile, source: "file", revision: 0, updated_at: null, updated_by: null });
      }
    }
    for (const { id, policy, revision, created_at, key_id } of this.#rows.values()) {
      const source = this.#known.get(id)?.source ?? "api";
      this.#known.set(id, { policy: { ...policy, id }, source, revision, updated_at: created_at, updated_by: key_id });
    }
    this.#all = this.list().map(({ policy }) => policy);
    this.#byServer = new Map();
    this.#rulings = new WeakMap();
    for (const listener of [...this.#listeners]) listener();
  }
}

/** Whether two policies say the same, in whatever order of their fields; the order of rules counts for nothing either. */
function isSame(a: unknown, b: unknown): boolean {
  const text = (value: unknown) => JSON.stringify(value, (_, part) => isRecord(part) ? sorted(part) : part);
  return text(a) === text(b);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function sorted(record: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => a < b ? -1 : 1));
}

function withoutId({ id: _, ...policy }: NamedPolicy): Policy {
  return policy;
}

function conflict(id: string, current: number, wanted: number): AppError {
  const message = `Cannot change policy "${id}": its revision is ${current} by now, not ${wanted}`;
  return new AppError("ConflictError", message, { details: { current, wanted } });
}
