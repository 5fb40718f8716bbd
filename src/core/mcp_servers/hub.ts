/**
 * The tools of every server that is attached, as one toolbox.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import { machineField, withoutMachine } from "../../domain/mcp_definition.ts";
import { secretsOf } from "../../domain/mcp_secrets.ts";
import type { McpServerRow } from "../../domain/table.ts";
import type { Tool, ToolResult } from "../../domain/tool.ts";
import type { Clock } from "../../kit/clock.ts";
import type { Log } from "../../kit/log.ts";
import type { McpConnector } from "../../ports/mcp_client.ts";
import type { CatalogChange, Toolbox, ToolCallOptions, UnreadyServer } from "../../ports/toolbox.ts";
import type { Asking } from "./asking.ts";
import { settled } from "./connecting.ts";
import type { Definitions } from "./definitions.ts";
import { Places } from "./places.ts";
import { lostSecrets } from "./sealed_definitions.ts";
import { Upstream } from "./upstream.ts";
import type { UpstreamOptions } from "./upstream_deps.ts";

/** How long lists wait for a server that is new here. */
const FIRST_MS = 5000;
/** How many servers are started at the same time. */
const AT_ONCE = 4;

/** Times and numbers, of which some can change while it runs. */
export interface HubOptions extends UpstreamOptions {
  /** Programs running at the same time. */
  max_servers: number;
}

/** What an {@linkcode McpHub} needs. */
export interface McpHubDeps {
  connector: McpConnector;
  definitions: Definitions;
  asking: Asking;
  clock: Clock;
  log: Log;
  options: HubOptions;
  /** Whether servers are started when they are defined, instead of when somebody looks for them. */
  eager: boolean;
  /** A variable of the operator's, for definitions that may name it. */
  variable: (name: string) => string | undefined;
}

interface Entry {
  row: McpServerRow;
  upstream: Upstream;
  /** Resolves when it was tried, or that took too long. */
  tried: Promise<void> | undefined;
}

/** Supervises every server. One that is down hides none of the others, and keeps its own tools in the list. */
export class McpHub implements Toolbox, AsyncDisposable {
  #deps: McpHubDeps;
  readonly #places: Places;
  readonly #entries = new Map<string, Entry>();
  readonly #found = new Map<string, { tool: Tool; entry: Entry }>();
  readonly #listeners = new Set<(change: CatalogChange) => void>();
  /** Servers that end, by name: whoever takes the name over waits. */
  readonly #leaving = new Map<string, Promise<void>>();
  readonly #queue: Upstream[] = [];
  /** Servers that were not tried yet: whom to tell, and until when they are waited for. */
  readonly #firsts = new Map<Upstream, { resolve: () => void; late?: Disposable }>();
  #starting = 0;
  #list: readonly Tool[] | undefined;
  #closed = false;

  constructor(deps: McpHubDeps) {
    this.#deps = deps;
    this.#places = new Places(() => this.#deps.options.max_servers);
    deps.definitions.listen((rows) => this.#sync(rows));
  }

  /** Puts other times and numbers in force. */
  update(options: HubOptions): void {
    this.#deps = { ...this.#deps, options };
  }

  /** The server `name`, if it is defined. */
  get(name: string): Upstream | undefined {
    return this.#entries.get(name)?.upstream;
  }

  /** The server `name` of a tenant, if it is defined. */
  serverOf(tenant_id: string, name: string): Upstream | undefined {
    const entry = this.#entries.get(name);
    return entry?.row.tenant_id === tenant_id ? entry.upstream : undefined;
  }

  /** The servers of a tenant, by name, once they were tried or that took too long. */
  async serversOf(tenant_id: string): Promise<Upstream[]> {
    const mine = () => [...this.#entries.values()].filter(({ row }) => row.tenant_id === tenant_id);
    this.#startNext();
    await Promise.all(mine().map(({ tried }) => tried));
    return mine().map(({ upstream }) => upstream).sort((a, b) => a.definition.name < b.definition.name ? -1 : 1);
  }

  /** How the servers of a tenant do, for health; those that rest until somebody calls are well. */
  parts(tenant_id: string): { name: string; ok: boolean; detail: string }[] {
    const mine = [...this.#entries].filter(([, { row }]) => row.tenant_id === tenant_id);
    const entries = mine.sort(([a], [b]) => a < b ? -1 : 1);
    return entries.map(([name, { upstream: { state, reason, resting } }]) => ({
      name: `mcp_server:${name}`,
      ok: state === "ready" || state === "connecting" || resting,
      detail: reason === null ? state : `${state}: ${reason}`,
    }));
  }

  /** Resolves when the server `name` was tried for the first time, or that takes too long. */
  async tried(name: string): Promise<void> {
    this.#startNext();
    await this.#entries.get(name)?.tried;
  }

  async list(): Promise<readonly Tool[]> {
    if (this.#queue.length > 0) this.#startNext();
    const trying = Array.from(this.#entries.values(), ({ tried }) => tried).filter((tried) => tried !== undefined);
    if (trying.length > 0) await Promise.all(trying);
    return this.#tools();
  }

  find(name: string): Tool | undefined {
    return this.#found.get(name)?.tool;
  }

  unready(tenant_id: string): UnreadyServer[] {
    const mine = [...this.#entries.values()].filter(({ row, upstream: { state, resting } }) => {
      return row.tenant_id === tenant_id && state !== "ready" && !resting;
    });
    return mine.map(({ upstream: { definition: { name, url }, state, reason, offers, secrets } }) => {
      const host = url === undefined ? undefined : URL.parse(url)?.hostname;
      return { name, state, reason, listed: offers.listed, hidden: host ? [...secrets, host] : secrets };
    }).sort((a, b) => a.name < b.name ? -1 : 1);
  }

  async reach(name: string): Promise<void> {
    const upstream = this.get(name);
    if (upstream && upstream.state !== "open_circuit") await settled(upstream.start(), this.#deps.clock);
  }

  timeoutsOf(tool: string): { timeout_ms?: number; max_timeout_ms?: number } {
    const { timeout_seconds, max_timeout_seconds } = this.#found.get(tool)?.entry.row.definition ?? {};
    return {
      ...timeout_seconds !== undefined && { timeout_ms: timeout_seconds * 1000 },
      ...max_timeout_seconds !== undefined && { max_timeout_ms: max_timeout_seconds * 1000 },
    };
  }

  tenantOf(tool: string): string | undefined {
    return this.#found.get(tool)?.entry.row.tenant_id;
  }

  secretsOf(tool: string): readonly string[] {
    const entry = this.#found.get(tool)?.entry;
    return entry?.upstream.secrets ?? [];
  }

  watch(listener: (change: CatalogChange) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  async call(tool: string, args: Record<string, unknown>, options: ToolCallOptions): Promise<ToolResult> {
    const upstream = this.#found.get(tool)?.entry.upstream;
    const offered = upstream?.offers.offered(tool);
    if (upstream === undefined || offered === undefined) {
      throw new AppError("NotFoundError", `Cannot call tool "${tool}": no tool server offers it`);
    }
    return await upstream.call(offered, args, options);
  }

  /** Ends every connection. Resolves when no program is left. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#queue.length = 0;
    for (const name of [...this.#entries.keys()]) this.#remove(name);
    while (this.#leaving.size > 0) await Promise.allSettled(this.#leaving.values());
  }

  /** Starts what is new, ends what is gone, and does both for what is defined in another way. */
  #sync(rows: ReadonlyMap<string, McpServerRow>): void {
    if (this.#closed) return;
    for (const [name, { row: { definition, source } }] of [...this.#entries]) {
      const now = rows.get(name);
      const same = now?.source === source && JSON.stringify(now.definition) === JSON.stringify(definition);
      if (!same) this.#remove(name);
    }
    for (const row of rows.values()) {
      if (!this.#entries.has(row.name)) this.#add(row);
    }
  }

  #add(row: McpServerRow): void {
    const { connector, definitions, asking, clock, log, variable } = this.#deps;
    const { name, tenant_id, era, type, source } = row;
    const trusted = source !== "api";
    if (!trusted && machineField(row.definition) !== undefined) {
      log.warn("Variables and files in a definition that came over the API are not looked at", { server: name });
    }
    const definition = trusted ? row.definition : withoutMachine(row.definition);
    const agreed = era !== null && type !== null ? { era, type } : undefined;
    const upstream: Upstream = new Upstream(definition, agreed, {
      connector: {
        async connect(server, options) {
          const lost = definitions.lost(name);
          if (lost.length > 0) throw lostSecrets(name, lost);
          return await connector.connect(server, options);
        },
      },
      clock,
      log,
      options: () => this.#deps.options,
      secrets: secretsOf(definition, variable),
      asking: asking.of(definition),
      enter: () => this.#places.enter(upstream),
      leave: () => this.#places.leave(upstream),
      onChanged: (kind) => this.#changed({ kind, server: name, tenant_id }),
      onAgreed: (agreed) => {
        definitions.remember(name, agreed).catch((error) => {
          log.warn("Cannot remember how a tool server is spoken to", { server: name, error });
        });
      },
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    const entry: Entry = { row, upstream, tried: promise };
    void promise.then(() => entry.tried = undefined);
    this.#entries.set(name, entry);
    this.#firsts.set(upstream, { resolve });
    this.#queue.push(upstream);
    if (this.#deps.eager) this.#startNext();
  }

  #startNext(): void {
    for (const upstream of this.#queue) {
      const first = this.#firsts.get(upstream);
      if (first) first.late ??= this.#deps.clock.after(FIRST_MS, first.resolve);
    }
    while (this.#starting < AT_ONCE) {
      const upstream = this.#queue.shift();
      if (upstream === undefined) return;
      this.#starting++;
      const before = this.#leaving.get(upstream.definition.name) ?? Promise.resolve();
      void before.then(() => upstream.start()).finally(() => {
        this.#starting--;
        this.#settleFirst(upstream);
        this.#startNext();
      });
    }
  }

  #settleFirst(upstream: Upstream): void {
    const first = this.#firsts.get(upstream);
    this.#firsts.delete(upstream);
    first?.late?.[Symbol.dispose]();
    first?.resolve();
  }

  #remove(name: string): void {
    const entry = this.#entries.get(name);
    if (entry === undefined) return;
    const { upstream, row: { tenant_id } } = entry;
    this.#entries.delete(name);
    const queued = this.#queue.indexOf(upstream);
    if (queued >= 0) this.#queue.splice(queued, 1);
    this.#settleFirst(upstream);
    const before = this.#leaving.get(name);
    const leaving: Promise<void> = Promise.allSettled([before, upstream[Symbol.asyncDispose]()]).then(() => {
      if (this.#leaving.get(name) === leaving) this.#leaving.delete(name);
    });
    this.#leaving.set(name, leaving);
    for (const kind of ["tools", "resources", "prompts"] as const) {
      if (upstream.offers[kind].length > 0) this.#changed({ kind, server: name, tenant_id });
    }
  }

  #changed(change: CatalogChange): void {
    if (change.kind === "tools") {
      this.#list = undefined;
      this.#tools();
    }
    for (const listener of this.#listeners) listener(change);
  }

  /** The same array until something changes, so that others can keep what they made of it. */
  #tools(): readonly Tool[] {
    if (this.#list !== undefined) return this.#list;
    this.#found.clear();
    const tools: Tool[] = [];
    for (const entry of this.#entries.values()) {
      for (const tool of entry.upstream.offers.tools) {
        tools.push(tool);
        this.#found.set(tool.name, { tool, entry });
      }
    }
    return this.#list = tools;
  }
}
