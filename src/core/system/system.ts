/**
 * How the server is doing.
 *
 * @module
 */
import type { Principal } from "../../domain/access.ts";
import { type Clock, sleep, toTime } from "../../kit/clock.ts";
import type { Model } from "../../ports/model.ts";
import type { Store, SumRow } from "../../ports/store.ts";
import type { Slots } from "../identity/slots.ts";
import type { Engine } from "../runs/engine.ts";

/** How long a health check may take before its part counts as ill. */
const CHECK_MS = 2000;

/** A part of the server and whether it is well. */
export interface Component {
  name: string;
  ok: boolean;
  detail: string;
}

/** What {@linkcode System} needs. */
export interface SystemDeps {
  store: Store;
  model: Model;
  engine: Engine;
  slots: Slots;
  /** Parts that know how they do without being asked, and are the caller's to see. */
  parts: (principal: Principal) => Component[];
  clock: Clock;
  version: string;
  instance_id: string;
}

/** What a group of model calls used. */
export interface UsageGroup {
  group: string;
  calls: number;
  input_tokens: number;
  output_tokens: number;
  reasoning_tokens: number;
  cached_input_tokens: number;
  cost: number | null;
}

const SUMMED = ["input_tokens", "output_tokens", "reasoning_tokens", "cached_input_tokens", "cost"] as const;
/** Calls that are summed at a stretch, which takes some milliseconds. */
const MAX_CALLS = 2000;

function add(groups: Map<string, UsageGroup>, group: string, row: SumRow): void {
  const tokens = (name: typeof SUMMED[number]) => Number(row[name] ?? 0);
  const sum = groups.get(group);
  groups.set(group, {
    group,
    calls: row.count + (sum?.calls ?? 0),
    input_tokens: tokens("input_tokens") + (sum?.input_tokens ?? 0),
    output_tokens: tokens("output_tokens") + (sum?.output_tokens ?? 0),
    reasoning_tokens: tokens("reasoning_tokens") + (sum?.reasoning_tokens ?? 0),
    cached_input_tokens: tokens("cached_input_tokens") + (sum?.cached_input_tokens ?? 0),
    cost: typeof row.cost === "number" ? row.cost + (sum?.cost ?? 0) : sum?.cost ?? null,
  });
}

/** Tells of health, load and usage. */
export class System {
  #deps: SystemDeps;
  #started: number;

  constructor(deps: SystemDeps) {
    this.#deps = deps;
    this.#started = deps.clock.now();
  }

  /** Every part that `principal` may see, asked now. */
  async components(principal: Principal): Promise<Component[]> {
    const { store, model, parts } = this.#deps;
    const checks = [this.#check("store", () => store.check()), this.#check("model", () => model.check())];
    return [...await Promise.all(checks), ...parts(principal)];
  }

  /** Whether requests can be served: the store answers and nobody shuts it down. A silent model doesn't count. */
  async ready(): Promise<boolean> {
    if (this.#deps.engine.draining) return false;
    return (await this.#check("store", () => this.#deps.store.check())).ok;
  }

  /** A summary for people. */
  async status(principal: Principal) {
    const { engine, slots, clock, version, instance_id, store } = this.#deps;
    const { tenant_id } = principal;
    const runs = await store.sum({ from: "runs", where: { tenant_id }, sum: [], by: ["status"] });
    const components = await this.components(principal);
    return {
      status: engine.draining
        ? "draining" as const
        : components.every((part) => part.ok)
        ? "ok" as const
        : "degraded" as const,
      version,
      instance_id,
      started_at: toTime(this.#started),
      uptime_seconds: Math.floor((clock.now() - this.#started) / 1000),
      active_runs: engine.size,
      open_streams: slots.inUse("streams"),
      open_requests: slots.inUse("requests"),
      runs: Object.fromEntries(runs.map(({ status, count }) => [String(status), count])),
      components,
    };
  }

  /** What models were used for, between two times, in groups. */
  async usage(
    principal: Principal,
    { from, to, by }: { from: string; to: string; by: "model" | "agent" | "user" | "key" },
  ) {
    const { tenant_id } = principal;
    const columns = { model: ["provider", "model"], agent: ["agent_id"], user: ["user_id"], key: ["key_id"] } as const;
    const groups = new Map<string, UsageGroup>();
    for await (const started_at of this.#slices(tenant_id, { from, to })) {
      const rows = await this.#deps.store.sum({
        from: "model_calls",
        where: { tenant_id, started_at },
        sum: SUMMED,
        by: columns[by],
      });
      for (const row of rows) add(groups, columns[by].map((column) => row[column] ?? "none").join("/"), row);
      // Others get their turn between slices.
      await sleep(this.#deps.clock, 0);
    }
    return [...groups.values()];
  }

  /** The time between two, in slices of {@linkcode MAX_CALLS} calls, or of a millisecond in which more began. */
  async *#slices(tenant_id: string, { from, to }: { from: string; to: string }) {
    const end = toTime(Date.parse(to));
    for (let gte = toTime(Date.parse(from)), lt; gte < end; gte = lt) {
      const [next] = await this.#deps.store.read({
        from: "model_calls",
        where: { tenant_id, started_at: { gte, lt: end } },
        order: [["started_at", "asc"]],
        skip: MAX_CALLS,
        limit: 1,
      });
      lt = next === undefined ? end : next.started_at > gte ? next.started_at : toTime(Date.parse(gte) + 1);
      yield { gte, lt };
    }
  }

  async #check(name: string, work: () => Promise<{ ok: boolean; detail: string }>): Promise<Component> {
    const late = Promise.withResolvers<{ ok: boolean; detail: string }>();
    using _ = this.#deps.clock.after(CHECK_MS, () => late.resolve({ ok: false, detail: "did not answer in time" }));
    try {
      return { name, ...await Promise.race([work(), late.promise]) };
    } catch {
      return { name, ok: false, detail: "failed" };
    }
  }
}
