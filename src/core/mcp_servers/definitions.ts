/**
 * Which tool servers are defined: one definition a name, whoever brought it.
 *
 * @module
 */
import type { Owner } from "../../domain/access.ts";
import { AppError } from "../../domain/error.ts";
import {
  checkDefinition,
  differingFields,
  isReference,
  type McpServerSource,
  toReference,
} from "../../domain/mcp_definition.ts";
import type { McpServer } from "../../domain/mcp_server.ts";
import type { McpServerRow } from "../../domain/table.ts";
import { type Clock, toTime } from "../../kit/clock.ts";
import type { Log } from "../../kit/log.ts";
import type { Sealer } from "../../ports/sealer.ts";
import type { Store, Write } from "../../ports/store.ts";
import type { AgentServers, Attached } from "../agents/agent_servers.ts";
import { lostSecrets, openDefinition, sealDefinition } from "./sealed_definitions.ts";
import type { Agreed } from "./upstream_deps.ts";

const PAGE = 500;
const MAX_AGENTS = 10_000;

/** What {@linkcode Definitions} needs. */
export interface DefinitionsDeps {
  store: Store;
  sealer: Sealer;
  clock: Clock;
  log: Log;
}

/** Keeps the definitions. Agents bring theirs along, and keep the names alone. */
export class Definitions implements AgentServers {
  readonly #deps: DefinitionsDeps;
  /** With their secrets. */
  #rows: ReadonlyMap<string, McpServerRow> = new Map();
  #lost: ReadonlyMap<string, readonly string[]> = new Map();
  #reading: Promise<void> = Promise.resolve();
  #listener: (rows: ReadonlyMap<string, McpServerRow>) => void = () => {};

  constructor(deps: DefinitionsDeps) {
    this.#deps = deps;
  }

  /** The definition of `name`. */
  get(name: string): McpServerRow | undefined {
    return this.#rows.get(name);
  }

  /** The fields of `name` whose secrets were sealed with a key that is gone. */
  lost(name: string): readonly string[] {
    return this.#lost.get(name) ?? [];
  }

  /** Calls `listener` now, and whenever definitions changed. */
  listen(listener: (rows: ReadonlyMap<string, McpServerRow>) => void): void {
    this.#listener = listener;
    listener(this.#rows);
  }

  /** Reads the definitions anew: one reading at a time, so that the last one holds. */
  refresh(): Promise<void> {
    const read = () => this.#read();
    return this.#reading = this.#reading.then(read, read);
  }

  async #read(): Promise<void> {
    const { store, sealer, log } = this.#deps;
    const lost = new Map<string, readonly string[]>();
    const rows = new Map<string, McpServerRow>();
    for (let after = "", more = true; more;) {
      const page = await store.read({
        from: "mcp_servers",
        where: { name: { gt: after } },
        order: [["name", "asc"]],
        limit: PAGE,
      });
      for (const row of page) {
        const opened = await openDefinition(row.definition, sealer);
        rows.set(row.name, { ...row, definition: opened.definition });
        if (opened.lost.length > 0) lost.set(row.name, opened.lost);
      }
      after = page.at(-1)?.name ?? after;
      more = page.length === PAGE;
    }
    for (const [name, fields] of lost) {
      // The settings give theirs again by themselves.
      if (!this.#lost.has(name) && rows.get(name)?.source !== "settings") {
        log.warn("A tool server lost its secrets", { reason: lostSecrets(name, fields).message });
      }
    }
    this.#rows = rows;
    this.#lost = lost;
    this.#listener(rows);
  }

  /** Puts the settings' definitions in force. They replace what has their names; what they held before and don't now goes. */
  async declare(owner: Owner, servers: readonly McpServer[]): Promise<void> {
    await this.refresh();
    const writes: Write[] = [];
    const names = new Set(servers.map(({ name }) => name));
    for (const { name, source } of this.#rows.values()) {
      if (source === "settings" && !names.has(name)) writes.push(...removal(name));
    }
    for (const server of servers) {
      checkDefinition(server);
      if (isReference(server)) {
        refuse("ValidationError", server.name, 'the settings give it neither "url" nor "command"');
      }
      const known = this.#rows.get(server.name);
      const fields = known === undefined ? [] : this.#differing(known, server);
      if (known !== undefined && fields.length === 0 && known.source === "settings") continue;
      if (known !== undefined && known.source !== "settings") {
        this.#deps.log.warn("The settings replace a tool server", { server: server.name, fields });
      }
      writes.push({ upsert: "mcp_servers", row: await this.#toRow(owner, server, "settings") });
    }
    if (writes.length === 0) return;
    await this.#deps.store.commit({ writes });
    await this.refresh();
  }

  /** Remembers what was agreed on with a server. */
  async remember(name: string, agreed: Agreed): Promise<void> {
    await this.#deps.store.commit({ writes: [{ update: "mcp_servers", where: { name }, set: agreed }] });
  }

  /** The agents that use each server, by tenant. */
  async users(): Promise<Map<string, { tenant_id: string; id: string }[]>> {
    const users = new Map<string, { tenant_id: string; id: string }[]>();
    const agents = await this.#deps.store.read({
      from: "agents",
      where: { deleted_at: null },
      order: [["id", "asc"]],
      limit: MAX_AGENTS,
    });
    for (const { tenant_id, id, config } of agents) {
      for (const { name } of config.mcp_servers) users.set(name, [...users.get(name) ?? [], { tenant_id, id }]);
    }
    return users;
  }

  async attach(
    owner: Owner,
    agent_id: string,
    { servers, before, source }: Parameters<AgentServers["attach"]>[2],
  ): Promise<Attached> {
    const users = servers.length + before.length > 0 ? await this.users() : new Map<string, never[]>();
    const others = (name: string) => {
      return (users.get(name) ?? []).some(({ tenant_id, id }) => id !== agent_id || tenant_id !== owner.tenant_id);
    };
    const attached: Attached = { references: [], preconditions: [], writes: [], changed: [] };
    for (const server of servers) {
      const { name } = server;
      if (attached.references.some((one) => one.name === name)) refuse("ValidationError", name, "it is named twice");
      // What nothing defines any more doesn't keep an agent from being changed.
      const kept = isReference(server) && before.some((one) => one.name === name) && !this.#rows.has(name);
      if (!kept) await this.#attachOne(owner, server, { attached, source, shared: others(name) });
      attached.references.push(toReference({ ...this.#rows.get(name)?.definition, ...server }));
    }
    for (const { name } of before) {
      const kept = attached.references.some((one) => one.name === name);
      const row = this.#rows.get(name);
      const mine = row?.tenant_id === owner.tenant_id && row.source !== "settings";
      if (kept || !mine || others(name)) continue;
      attached.writes.push(...removal(name));
    }
    return attached;
  }

  async #attachOne(
    owner: Owner,
    server: McpServer,
    { attached, source, shared }: { attached: Attached; source: McpServerSource; shared: boolean },
  ): Promise<void> {
    const { name } = server;
    const known = this.#rows.get(name);
    if (!isReference(server)) checkDefinition(server);
    const where = { name };
    if (known !== undefined && known.tenant_id !== owner.tenant_id) {
      refuse("ConflictError", name, "the name is taken");
    }
    if (known === undefined) {
      if (isReference(server)) refuse("ValidationError", name, 'nothing defines it yet: want "url" or "command"');
      attached.changed.push(name);
      attached.writes.push({ insert: "mcp_servers", rows: [await this.#toRow(owner, server, source)] });
      return;
    }
    attached.preconditions.push({ from: "mcp_servers", where, exists: true });
    const fields = this.#differing(known, server);
    if (fields.length === 0) return;
    // Whoever is its only user may change it, and the agents' file is read as a whole. What lost its secrets serves nobody.
    const free = !shared || source === "agents_file" || this.#lost.has(name);
    const mine = known.source !== "settings" && free;
    if (!mine || isReference(server)) {
      const owners = known.source === "settings" ? "the settings define" : "it is defined";
      refuse("ConflictError", name, `${owners} with another ${fields.join(", ")}`, { fields });
    }
    attached.changed.push(name);
    const row = await this.#toRow(owner, server, source);
    attached.writes.push({ update: "mcp_servers", where, set: { ...row, created_at: known.created_at } });
  }

  /** What is lost is given again by any definition. */
  #differing({ name, definition }: McpServerRow, server: McpServer): string[] {
    const lost = isReference(server) ? [] : this.lost(name).map((field) => field.replace(/\..*/, ""));
    return [...new Set([...differingFields(definition, server), ...lost])];
  }

  async #toRow(
    { tenant_id, key_id, user_id }: Owner,
    definition: McpServer,
    source: McpServerSource,
  ): Promise<McpServerRow> {
    const now = toTime(this.#deps.clock.now());
    const { name } = definition;
    return {
      tenant_id,
      key_id,
      user_id,
      name,
      definition: await sealDefinition(definition, this.#deps.sealer),
      source,
      era: null,
      type: null,
      created_at: this.#rows.get(name)?.created_at ?? now,
      updated_at: now,
    };
  }
}

function removal(name: string): Write[] {
  return [{ delete: "mcp_servers", where: { name } }, { delete: "mcp_grants", where: { server: name } }];
}

function refuse(
  error: "ValidationError" | "ConflictError",
  server: string,
  why: string,
  details: Record<string, unknown> = {},
): never {
  throw new AppError(error, `Cannot use tool server "${server}": ${why}`, { details: { server, ...details } });
}
