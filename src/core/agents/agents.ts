/**
 * The configured agents and their revisions.
 *
 * @module
 */
import { type Owner, ownerOf, type Principal } from "../../domain/access.ts";
import { type AgentConfig, type AgentRevisionRow, type AgentRow } from "../../domain/agent.ts";
import { AppError, CommitRefused } from "../../domain/error.ts";
import { isReference, type McpServerSource } from "../../domain/mcp_definition.ts";
import { type Page, type PageRequest, toPage } from "../../domain/page.ts";
import { type Clock, toTime } from "../../kit/clock.ts";
import { createId } from "../../kit/id.ts";
import { Lines } from "../../kit/lines.ts";
import type { Precondition, Store, Write } from "../../ports/store.ts";
import type { Wake } from "../../ports/wake.ts";
import type { AgentServers } from "./agent_servers.ts";

/** How long a row is believed before the store is asked again: what another process changed shows after that. */
const BELIEVED_MS = 1000;
const MAX_CACHED = 1000;

/** Is notified when agents of a tenant come, go or change. */
export function agentsTopic(tenant_id: string): string {
  return `agents:${tenant_id}`;
}

/** What {@linkcode Agents} needs. */
export interface AgentsDeps {
  store: Store;
  wake: Wake;
  clock: Clock;
  servers: AgentServers;
}

/** What an agent is to be, and where that is from. */
export interface AgentPut {
  config: AgentConfig;
  /** Of the file's entry. */
  source_hash: string | null;
  /** Who defines its tool servers. */
  source: McpServerSource;
}

/** Creates, changes and finds agents. Every change is a revision; runs pin one. */
export class Agents {
  #deps: AgentsDeps;
  #cache = new Map<string, { row: AgentRow; at: number }>();
  /** Agents share tool servers, so they change one after the other. */
  #lines = new Lines();
  #revisions = new Map<string, AgentConfig>();

  constructor(deps: AgentsDeps) {
    this.#deps = deps;
  }

  /** The agent `id`. Rejects with `AgentNotFoundError`. */
  async get(tenant_id: string, id: string): Promise<AgentRow> {
    const key = `${tenant_id}/${id}`;
    const cached = this.#cache.get(key);
    const now = this.#deps.clock.now();
    if (cached && now - cached.at < BELIEVED_MS) return cached.row;
    const row = await this.find(tenant_id, id);
    if (!row || row.deleted_at) throw new AppError("AgentNotFoundError", `Cannot find agent "${id}"`);
    if (this.#cache.size >= MAX_CACHED) this.#cache.clear();
    this.#cache.set(key, { row, at: now });
    return row;
  }

  /** What agent `id` was at `revision`, also when it changed or was deleted since. */
  async revision(tenant_id: string, id: string, revision: number): Promise<AgentConfig> {
    const key = `${tenant_id}/${id}/${revision}`;
    const known = this.#revisions.get(key);
    if (known) return known;
    const [row] = await this.#deps.store.read({
      from: "agent_revisions",
      where: { tenant_id, agent_id: id, revision },
      limit: 1,
    });
    if (!row) throw new AppError("AgentNotFoundError", `Cannot find revision ${revision} of agent "${id}"`);
    if (this.#revisions.size >= MAX_CACHED) this.#revisions.clear();
    this.#revisions.set(key, row.config);
    return row.config;
  }

  /** A page of agents, by id. */
  async list(tenant_id: string, { limit, cursor, order }: PageRequest): Promise<Page<AgentRow>> {
    const rows = await this.#deps.store.read({
      from: "agents",
      where: {
        tenant_id,
        deleted_at: null,
        ...cursor !== undefined && { id: order === "asc" ? { gt: cursor } : { lt: cursor } },
      },
      order: [["id", order]],
      limit: limit + 1,
    });
    return toPage(rows, limit, (row) => row.id);
  }

  /** Makes an agent. Rejects with `ConflictError` when the id is taken. */
  create(principal: Principal, id: string, config: AgentConfig): Promise<AgentRow> {
    const put: AgentPut = { config, source_hash: null, source: "api" };
    return this.#lines.run("", () => this.#put(ownerOf(principal), id, "create", put));
  }

  /** Changes an agent; the next run uses it. */
  update(principal: Principal, id: string, change: (config: AgentConfig) => AgentConfig): Promise<AgentRow> {
    return this.#lines.run("", async () => {
      this.#cache.delete(`${principal.tenant_id}/${id}`);
      const row = await this.get(principal.tenant_id, id);
      const put: AgentPut = { config: change(row.config), source_hash: row.source_hash, source: "api" };
      return await this.#put(row, id, "change", put);
    });
  }

  /** Makes or changes an agent, as a file says. */
  put(owner: Owner, id: string, put: AgentPut): Promise<AgentRow> {
    return this.#lines.run("", () => this.#put(owner, id, "either", put));
  }

  /** Gives tool servers that the agents' file defines what they lost of it. Resolves with their names. */
  restoreServers(owner: Owner, configs: readonly AgentConfig[]): Promise<string[]> {
    const defined = configs.flatMap(({ mcp_servers }) => mcp_servers.filter((server) => !isReference(server)));
    return this.#lines.run("", () => this.#deps.servers.restore(owner, defined));
  }

  /** The agent as it would be stored, and the names of tool servers that would be new or another. */
  async preview(
    owner: Owner,
    id: string,
    { config, source }: Omit<AgentPut, "source_hash">,
  ): Promise<{ config: AgentConfig; servers: string[] }> {
    const old = await this.find(owner.tenant_id, id);
    const { references, changed } = await this.#deps.servers.attach(owner, id, {
      servers: config.mcp_servers,
      before: old && !old.deleted_at ? old.config.mcp_servers : [],
      source,
    });
    return { config: { ...config, mcp_servers: references }, servers: changed };
  }

  /** Deletes an agent. Runs that pin it go on. */
  delete(tenant_id: string, id: string): Promise<void> {
    return this.#lines.run("", async () => {
      this.#cache.delete(`${tenant_id}/${id}`);
      const row = await this.get(tenant_id, id);
      const { store, wake, clock, servers } = this.#deps;
      const before = row.config.mcp_servers;
      const released = await servers.attach(row, id, { servers: [], before, source: "api" });
      const deleted_at = toTime(clock.now());
      const set = { deleted_at, updated_at: deleted_at };
      await store.commit({
        writes: [{ update: "agents", where: { tenant_id, id }, set }, ...released.writes],
      });
      this.#cache.delete(`${tenant_id}/${id}`);
      wake.notify(agentsTopic(tenant_id));
      if (released.writes.length > 0) await servers.refresh();
    });
  }

  /** The stored row, also of a deleted agent. */
  async find(tenant_id: string, id: string): Promise<AgentRow | undefined> {
    const [row] = await this.#deps.store.read({ from: "agents", where: { tenant_id, id }, limit: 1 });
    return row;
  }

  async #put(
    owner: Owner,
    id: string,
    mode: "create" | "change" | "either",
    { config: given, source_hash, source }: AgentPut,
  ): Promise<AgentRow> {
    const { tenant_id, key_id, user_id } = owner;
    const { store, wake, clock, servers } = this.#deps;
    const old = await this.find(tenant_id, id);
    if (old && !old.deleted_at && mode === "create") {
      throw new AppError("ConflictError", `Cannot create agent "${id}": it already exists`);
    }
    const before = old && !old.deleted_at ? old.config.mcp_servers : [];
    const attached = await servers.attach(owner, id, { servers: given.mcp_servers, before, source });
    const config = { ...given, mcp_servers: attached.references };
    const now = toTime(clock.now());
    const revision = (old?.revision ?? 0) + 1;
    const base = { tenant_id, key_id, user_id, revision, config };
    const row: AgentRow = {
      ...base,
      id,
      // Made anew over the API: the file's entry is the one that was read already.
      source_hash: mode === "create" ? old?.source_hash ?? null : source_hash,
      created_at: old?.created_at ?? now,
      updated_at: now,
      deleted_at: null,
    };
    const kept: AgentRevisionRow = { ...base, id: createId("rev"), agent_id: id, created_at: now };
    const where = { tenant_id, id };
    const write: Write = old ? { update: "agents", where, set: row } : { insert: "agents", rows: [row] };
    try {
      const same: Precondition[] = old
        ? [{ from: "agents", where: { ...where, revision: old.revision }, exists: true }]
        : [];
      await store.commit({
        preconditions: [...same, ...attached.preconditions],
        writes: [write, { insert: "agent_revisions", rows: [kept] }, ...attached.writes],
      });
    } catch (error) {
      if (!(error instanceof CommitRefused)) throw error;
      throw new AppError("ConflictError", `Cannot change agent "${id}": somebody else just did`, { cause: error });
    }
    this.#cache.delete(`${tenant_id}/${id}`);
    wake.notify(agentsTopic(tenant_id));
    if (attached.writes.length > 0) await servers.refresh();
    return row;
  }
}
