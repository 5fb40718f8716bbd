/**
 * The tools as callers see them, and what comes and goes.
 *
 * @module
 */
import type { AgentConfig } from "../../domain/agent.ts";
import { AppError } from "../../domain/error.ts";
import type { McpServerTrouble } from "../../domain/mcp_server.ts";
import { type Page, type PageRequest, toPage } from "../../domain/page.ts";
import type { Tool } from "../../domain/tool.ts";
import { nearest } from "../../kit/nearest.ts";
import type { Clock } from "../../kit/clock.ts";
import type { CatalogChange, Toolbox } from "../../ports/toolbox.ts";
import type { Wake } from "../../ports/wake.ts";
import { agentsTopic } from "../agents/agents.ts";
import type { Tools } from "./tools.ts";

/** What a {@linkcode Catalog} needs. */
export interface CatalogDeps {
  tools: Tools;
  toolbox: Toolbox;
  wake: Wake;
  clock: Clock;
}

/** Agents are offered as tools, and bring prompts along. */
const OF_AGENTS: readonly CatalogChange[] = [{ kind: "tools", server: null }, { kind: "prompts", server: null }];

/** Shows tools. */
export class Catalog {
  readonly #deps: CatalogDeps;

  constructor(deps: CatalogDeps) {
    this.#deps = deps;
  }

  /** A page of the tools that somebody of `tenant_id` may know of, by their names; and the servers that aren't ready. */
  async list(
    { limit, cursor, order }: PageRequest,
    { tenant_id, server, agent }: { tenant_id: string; server?: string | undefined; agent?: AgentConfig | undefined },
  ): Promise<Page<Tool> & { servers: McpServerTrouble[] }> {
    const { tools } = this.#deps;
    const all = agent ? await tools.list(tenant_id, agent) : await tools.all(tenant_id);
    const sign = order === "asc" ? 1 : -1;
    const after = (name: string) => cursor === undefined || (name > cursor ? 1 : -1) * sign > 0 && name !== cursor;
    const rows = all.filter((tool) => (server === undefined || tool.server === server) && after(tool.name))
      .sort((a, b) => (a.name < b.name ? -1 : 1) * sign);
    const servers = tools.troubles({ tenant_id, agent }).filter(({ name }) => server === undefined || name === server);
    return { ...toPage(rows, limit, ({ name }) => name), servers };
  }

  /** The tool `name`. Rejects with `NotFoundError`, or with `UpstreamError` where its server has yet to be reached. */
  async get(tenant_id: string, name: string): Promise<Tool> {
    const tool = await this.#deps.tools.find(tenant_id, name);
    if (!tool) {
      const missing = this.#deps.tools.missing(name, { tenant_id });
      if (missing.name !== "NotFoundError") throw missing;
      const meant = nearest(name, (await this.#deps.tools.all(tenant_id)).map((one) => one.name));
      const hint = meant === undefined ? "" : `; did you mean "${meant}"?`;
      throw new AppError("NotFoundError", `Cannot find tool "${name}"${hint}`);
    }
    return this.#deps.tools.clean(name, tool);
  }

  /** What changes for `tenant_id` from now on, until `signal` aborts. What changes again before it was read is told once. */
  watch(tenant_id: string, { signal }: { signal: AbortSignal }): AsyncIterable<CatalogChange> {
    const waiting = new Map<string, CatalogChange>();
    let wake = Promise.withResolvers<void>();
    const tell = (change: CatalogChange) => {
      if ((change.tenant_id ?? tenant_id) !== tenant_id) return;
      waiting.set(`${change.kind} ${change.server}`, change);
      wake.resolve();
    };
    // Heard from now on, also before the first item is asked for.
    const { toolbox, wake: wakes } = this.#deps;
    const heard = toolbox.watch?.(tell);
    const ofAgents = wakes.subscribe(agentsTopic(tenant_id), () => OF_AGENTS.forEach(tell));
    const end = () => {
      heard?.[Symbol.dispose]();
      ofAgents[Symbol.dispose]();
      signal.removeEventListener("abort", end);
      wake.resolve();
    };
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
    return changes();

    async function* changes(): AsyncGenerator<CatalogChange> {
      try {
        while (!signal.aborted) {
          await wake.promise;
          wake = Promise.withResolvers<void>();
          for (const [name, change] of [...waiting]) {
            waiting.delete(name);
            yield change;
          }
        }
      } finally {
        end();
      }
    }
  }

  /** The next change; none where `ms` pass without one. */
  async next(tenant_id: string, { ms, signal }: { ms: number; signal: AbortSignal }): Promise<CatalogChange[]> {
    const enough = new AbortController();
    using _ = this.#deps.clock.after(ms, () => enough.abort());
    const either = { signal: AbortSignal.any([signal, enough.signal]) };
    for await (const change of this.watch(tenant_id, either)) return [change];
    return [];
  }
}
