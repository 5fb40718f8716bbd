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
const MAX_SLICES = 240;
const MIN_SLICE_MS = 60_000;

/** The time between two, in slices short enough to be summed at a stretch. */
function slices(from: string, to: string): { gte: string; lt: string }[] {
  const [begin, end] = [Date.parse(from), Date.parse(to)];
  const step = Math.max(MIN_SLICE_MS, (end - begin) / MAX_SLICES);
  const found: { gte: string; lt: string }[] = [];
  for (let at = begin; at < end; at += step) found.push({ gte: toTime(at), lt: toTime(Math.min(at + step, end)) });
  return found;
}

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
    for (const started_at of slices(from, to)) {
      const rows = await this.#deps.store.sum({
        from: "model_calls",
        where: { tenant_id, started_at },
        sum: SUMMED,
        by: columns[by],
      });
      for (const row of rows) add(groups, columns[by].map((column) => row[column] ?? "none").join("/"), row);
      // A long time holds many rows: others get their turn between its slices.
      await sleep(this.#deps.clock, 0);
    }
    return [...groups.values()];
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
