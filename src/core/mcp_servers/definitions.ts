/**
 * Which tool servers are defined: one definition a name, whoever brought it.
 *
 * @module
 */
import type { Owner } from "../../domain/access.ts";
import { AppError, CommitRefused } from "../../domain/error.ts";
import { changedServer, entrusted, isOnlySecrets, type McpServerChange, stillLost } from "../../domain/mcp_change.ts";
import {
  checkDefinition,
  differingFields,
  isReference,
  machineField,
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
import { isUnsealed, lostSecrets, openDefinition, sealDefinition } from "./sealed_definitions.ts";
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
  /** Names of those that were stored before there was sealing. */
  #unsealed: readonly string[] = [];
  #reading: Promise<void> = Promise.resolve();
  #listener: (rows: ReadonlyMap<string, McpServerRow>) => void = () => {};

  constructor(deps: DefinitionsDeps) {
    this.#deps = deps;
  }

  /** The definition of `name`. */
  get(name: string): McpServerRow | undefined {
    return this.#rows.get(name);
  }

  /** Where the definition of `name` comes from; what nothing defines is trusted no more than what an admin does. */
  sourceOf(name: string): McpServerSource {
    return this.#rows.get(name)?.source ?? "api";
  }

  /** The files of this machine that hold what servers are trusted with. */
  files(): string[] {
    const named = [...this.#rows.values()].flatMap(({ definition }) => definition.credentials);
    return named.flatMap(({ file }) => file ?? []);
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
    const { store, sealer } = this.#deps;
    const lost = new Map<string, readonly string[]>();
    const unsealed: string[] = [];
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
        else if (await isUnsealed(row.definition)) unsealed.push(row.name);
      }
      after = page.at(-1)?.name ?? after;
      more = page.length === PAGE;
    }
    for (const [name, fields] of lost) {
      // Files give theirs again by themselves.
      if (!this.#lost.has(name) && rows.get(name)?.source === "api") this.#warnOfLoss(name, fields);
    }
    this.#rows = rows;
    this.#lost = lost;
    this.#unsealed = unsealed;
    this.#listener(rows);
  }

  #warnOfLoss(name: string, fields: readonly string[]): void {
    this.#deps.log.warn("A tool server lost its secrets", { reason: lostSecrets(name, fields).message });
  }

  /** Stores anew what was stored before there was sealing. */
  async #sealAll(): Promise<void> {
    const { store, sealer, log } = this.#deps;
    const names = this.#unsealed;
    for (let i = 0; i < names.length; i += PAGE) {
      const writes = names.slice(i, i + PAGE).map(async (name): Promise<Write> => {
        const definition = await sealDefinition(this.#rows.get(name)!.definition, sealer);
        return { update: "mcp_servers", where: { name }, set: { definition } };
      });
      await store.commit({ writes: await Promise.all(writes) });
    }
    if (names.length > 0) log.info("Sealed what tool servers are trusted with", { servers: names.length });
    this.#unsealed = [];
  }

  /** Puts the settings' definitions in force. They replace what has their names; what they held before and don't now goes. */
  async declare(owner: Owner, servers: readonly McpServer[]): Promise<void> {
    await this.refresh();
    await this.#sealAll();
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
      if (known !== undefined) writes.push(...forgetting(known.definition, server));
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
    // The operator's file says the same: from now on it is the operator's.
    const adopted = source === "agents_file" && known.source === "api" && !isReference(server);
    if (fields.length === 0 && !adopted) return;
    // Whoever is its only user may change it, and the agents' file is read as a whole. What lost its secrets serves nobody.
    const free = !shared || source === "agents_file" || this.#lost.has(name);
    const mine = known.source !== "settings" && free;
    if (!mine || isReference(server)) {
      const what = `with another ${fields.join(", ")}`;
      const why = known.source === "settings"
        ? `the settings define it ${what}: change it there`
        : `it is defined ${what}: mcp_server_update changes it for all who use it`;
      refuse("ConflictError", name, why, { fields });
    }
    attached.changed.push(name);
    const row = await this.#toRow(owner, server, source);
    attached.writes.push({ update: "mcp_servers", where, set: { ...row, created_at: known.created_at } });
    attached.writes.push(...forgetting(known.definition, server));
  }

  async restore(owner: Owner, servers: readonly McpServer[]): Promise<string[]> {
    const lost = new Map(
      servers.filter(({ name }) => {
        const known = this.#rows.get(name);
        return this.#lost.has(name) && known?.source === "agents_file" && known.tenant_id === owner.tenant_id;
      }).map((server) => [server.name, server]),
    );
    const writes = Array.from(lost.values(), async (server): Promise<Write> => {
      return { upsert: "mcp_servers", row: await this.#toRow(owner, server, "agents_file") };
    });
    if (writes.length > 0) {
      await this.#deps.store.commit({ writes: await Promise.all(writes) });
      await this.refresh();
    }
    for (const [name, fields] of this.#lost) {
      if (this.#rows.get(name)?.source === "agents_file") this.#warnOfLoss(name, fields);
    }
    return [...lost.keys()];
  }

  /**
   * Has a server be another for all who use it. The operator's own definition stays theirs where only its secrets
   * change. Rejects with `ConflictError` where the settings define it, or somebody else changes it.
   */
  async change(owner: Owner, name: string, change: McpServerChange): Promise<void> {
    const known = this.#rows.get(name);
    if (known?.tenant_id !== owner.tenant_id) refuse("ValidationError", name, "nothing defines it any more");
    if (known.source === "settings") refuse("ConflictError", name, "the settings define it: change it there");
    const definition = changedServer(known.definition, change);
    checkDefinition(definition);
    const lost = stillLost(this.lost(name), change);
    if (lost.length > 0) throw lostSecrets(name, lost);
    const source = isOnlySecrets(known.definition, change) ? known.source : "api";
    const isElsewhere = differingFields(known.definition, definition).some((field) => PLACE.has(field));
    // An address takes the place of a command, and of what that said.
    const isKept = (field: string) => field !== "command" || definition.command !== undefined;
    const left = isElsewhere ? stillLost(entrusted(known.definition), change).filter(isKept) : [];
    if (left.length > 0) {
      const why = `${left.join(", ")} was given for another place: give it again, or null (args: [])`;
      refuse("ValidationError", name, why, { given_before: left });
    }
    try {
      await this.#deps.store.commit({
        preconditions: [{ from: "mcp_servers", where: { name, updated_at: known.updated_at }, exists: true }],
        writes: [
          { update: "mcp_servers", where: { name }, set: await this.#toRow(owner, definition, source) },
          ...forgetting(known.definition, definition),
        ],
      });
    } catch (error) {
      if (!(error instanceof CommitRefused)) throw error;
      refuse("ConflictError", name, "somebody else just changed it");
    }
    await this.refresh();
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
    const field = source === "api" ? machineField(definition) : undefined;
    if (field !== undefined) {
      const why = "only files of the operator may name variables and files of the machine";
      const instead = "give its value instead, or define the server in the settings' mcp_servers or the agents' file";
      refuse("ValidationError", name, `${field}: ${why}: ${instead}`, { field });
    }
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

/** Fields that say who is given what a server is trusted with. */
const PLACE: ReadonlySet<string> = new Set(["url", "command", "args", "cwd"]);

/** What was allowed at one place must not be shown to another. */
function forgetting(known: McpServer, server: McpServer): Write[] {
  const moved = differingFields(known, server).some((field) => ["url", "command", "oauth"].includes(field));
  return moved ? [{ delete: "mcp_grants", where: { server: server.name } }] : [];
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
