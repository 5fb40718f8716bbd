/**
 * Finds the runs that nobody looks after, and looks after them.
 *
 * @module
 */
import type { ApprovalRow } from "../../domain/table.ts";
import { type Clock, toTime } from "../../kit/clock.ts";
import type { Log } from "../../kit/log.ts";
import type { Store, Where, Write } from "../../ports/store.ts";
import type { Wake } from "../../ports/wake.ts";
import type { Engine } from "./engine.ts";

const PAGE = 100;

/** The topic that tells a process to look at its cancellations. */
export function instanceTopic(instance_id: string): string {
  return `instance:${instance_id}`;
}

/** What a {@linkcode Supervisor} needs. */
export interface SupervisorDeps {
  store: Store;
  engine: Engine;
  wake: Wake;
  clock: Clock;
  log: Log;
  instance_id: string;
  lease_ms: number;
}

/** Renews leases, takes over orphans, expires approvals, starts what is queued. */
export class Supervisor implements Disposable {
  #deps: SupervisorDeps;
  #stack = new DisposableStack();
  #busy = false;

  constructor(deps: SupervisorDeps) {
    this.#deps = deps;
  }

  /**
   * Begins. With `exclusive` no other process uses the store, so every run that
   * is marked as running is an orphan of the process before.
   */
  async start({ exclusive }: { exclusive: boolean }): Promise<number> {
    const { wake, instance_id, clock, engine, lease_ms, log } = this.#deps;
    if (exclusive) await this.#abandonAll();
    const adopted = await this.#adopt();
    this.#stack.use(wake.subscribe(instanceTopic(instance_id), () => {
      engine.obey().catch((error) => log.error("Cannot look at cancellations", { error }));
    }));
    this.#stack.use(clock.every(lease_ms / 3, () => void this.#look()));
    return adopted;
  }

  [Symbol.dispose](): void {
    this.#stack.dispose();
  }

  async #look(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      await this.#deps.engine.renew();
      await this.#expire();
      await this.#adopt();
    } catch (error) {
      this.#deps.log.error("Cannot look after runs", { error });
    } finally {
      this.#busy = false;
    }
  }

  async #abandonAll(): Promise<void> {
    await this.#deps.store.commit({
      writes: [{ update: "runs", where: { status: "running" }, set: { lease_until: 0 } }],
    });
  }

  /** Takes what was left behind: orphans, decided runs, queued runs whose turn it is. */
  async #adopt(): Promise<number> {
    const now = this.#deps.clock.now();
    const orphans = await this.#takeAll({ status: "running", lease_until: { lt: now } });
    const decided = await this.#takeAll({ status: "waiting", lease_until: { gt: 0 } });
    const queued = await this.#takeAll({ status: "queued" });
    return orphans + decided + queued;
  }

  async #takeAll(where: Where<"runs">): Promise<number> {
    const { store, engine } = this.#deps;
    let taken = 0;
    for (let after = ""; !engine.draining;) {
      const page = await store.read({
        from: "runs",
        where: { ...where, id: { gt: after } },
        order: [["id", "asc"]],
        limit: PAGE,
      });
      for (const run of page) {
        if (!engine.has(run.id) && await engine.take(run)) taken++;
        after = run.id;
      }
      if (page.length < PAGE) break;
    }
    return taken;
  }

  async #expire(): Promise<void> {
    const { store, clock } = this.#deps;
    const now = toTime(clock.now());
    const late = await store.read({
      from: "approvals",
      where: { status: "pending", expires_at: { lt: now } },
      limit: PAGE,
    });
    if (late.length === 0) return;
    await store.commit({
      writes: late.flatMap((row) => decided(row, { status: "expired", decided_at: now, decided_by: "nobody" })),
    });
  }
}

/** The changes that make a decision: its row, and the mark that lets the run be taken up again. */
export function decided(row: ApprovalRow, set: Partial<ApprovalRow>): Write[] {
  return [
    { update: "approvals", where: { id: row.id, status: "pending" }, set },
    { update: "runs", where: { id: row.run_id, status: "waiting" }, set: { lease_until: 1 } },
  ];
}
