/**
 * Keeping every table bounded.
 *
 * @module
 */
import { FINAL_STATUS } from "../../domain/run.ts";
import type { Column, RunRow } from "../../domain/table.ts";
import { type Clock, sleep, toTime } from "../../kit/clock.ts";
import { toTimeText } from "../../kit/id.ts";
import type { Log } from "../../kit/log.ts";
import type { Blobs } from "../../ports/blobs.ts";
import type { Store, Where } from "../../ports/store.ts";
import { removalOf, type Runs } from "../runs/runs.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Rows a commit removes at most: each holds the event loop for a few milliseconds. */
const PAGE = 50;
const PAUSE_MS = 5;

/** How long things are kept. 0 keeps them for ever. */
export interface RetentionOptions {
  delta_days: number;
  run_days: number;
  conversation_days: number;
  ephemeral_hours: number;
  audit_days: number;
  idempotency_hours: number;
  file_days: number;
  user_days: number;
  orphan_file_hours: number;
  max_runs: number;
  max_audit_rows: number;
  max_model_calls: number;
  max_tool_calls: number;
  call_days: number;
}

/** What a {@linkcode Retention} needs. */
export interface RetentionDeps {
  store: Store;
  blobs: Blobs;
  runs: Runs;
  clock: Clock;
  log: Log;
  options: RetentionOptions;
}

/** What a sweep removed. */
export type Swept = Record<
  | "deltas"
  | "runs"
  | "conversations"
  | "audit"
  | "idempotency"
  | "model_calls"
  | "tool_calls"
  | "calls"
  | "looks"
  | "members"
  | "rooms"
  | "secrets"
  | "files"
  | "users"
  | "agents"
  | "revisions",
  number
>;

/** Removes what is old. A run's deltas go as a whole, so that its log never has a hole that nobody is told of. */
export class Retention {
  #deps: RetentionDeps;

  constructor(deps: RetentionDeps) {
    this.#deps = deps;
  }

  /** Puts other options in force. */
  update(options: RetentionOptions): void {
    this.#deps = { ...this.#deps, options };
  }

  /** Removes everything that is due, in small commits with pauses between them. */
  async sweep(signal: AbortSignal): Promise<Swept> {
    const { options, log } = this.#deps;
    const swept: Swept = {
      deltas: await this.#deltas(signal),
      runs: await this.#runs(signal),
      conversations: await this.#conversations(signal),
      audit: await this.#old(
        "audit",
        this.#bornBefore("aud", options.audit_days * DAY),
        options.max_audit_rows,
        signal,
      ),
      idempotency: await this.#passed(
        ["idempotency", "created_at"],
        this.#before(options.idempotency_hours * HOUR),
        signal,
      ),
      model_calls: await this.#old(
        "model_calls",
        this.#bornBefore("call", options.run_days * DAY),
        options.max_model_calls,
        signal,
      ),
      tool_calls: await this.#old(
        "tool_calls",
        this.#bornBefore("tool", options.run_days * DAY),
        options.max_tool_calls,
        signal,
      ),
      calls: await this.#old("rtc_sessions", this.#bornBefore("rtc", options.call_days * DAY), 0, signal),
      looks: await this.#old("rtc_looks", this.#bornBefore("look", options.call_days * DAY), 0, signal),
      members: await this.#passed(["rtc_members", "left_at"], this.#before(options.call_days * DAY), signal),
      rooms: await this.#passed(["rtc_rooms", "ended_at"], this.#before(options.call_days * DAY), signal),
      secrets: await this.#passed(["rtc_secrets", "expires_at"], toTime(this.#deps.clock.now()), signal),
      files: await this.#files(signal) + await this.#orphans(signal),
      users: await this.#users(signal),
      agents: await this.#agents(signal),
      revisions: await this.#revisions(signal),
    };
    if (Object.values(swept).some((count) => count > 0)) log.info("Removed what is no longer kept", swept);
    return swept;
  }

  #before(ms: number): string | undefined {
    return ms === 0 ? undefined : toTime(this.#deps.clock.now() - ms);
  }

  /** Repeats `work` on pages of runs that ended before `time`. */
  async #ended(
    where: Where<"runs">,
    signal: AbortSignal,
    work: (runs: RunRow[]) => Promise<void>,
  ): Promise<number> {
    let count = 0;
    while (!signal.aborted) {
      const runs = await this.#deps.store.read({
        from: "runs",
        where: { status: { in: FINAL_STATUS }, ...where },
        order: [["ended_at", "asc"]],
        limit: PAGE,
      });
      if (runs.length === 0) break;
      await work(runs);
      count += runs.length;
      await this.#pause(signal);
    }
    return count;
  }

  async #deltas(signal: AbortSignal): Promise<number> {
    const time = this.#before(this.#deps.options.delta_days * DAY);
    if (time === undefined) return 0;
    return await this.#ended({ ended_at: { lt: time }, pruned_seq: 0 }, signal, async (runs) => {
      for (const { id } of runs) {
        const where = { run_id: id, type: { in: ["model.delta", "model.reasoning.delta"] } } as const;
        const [last] = await this.#deps.store.read({ from: "events", where, order: [["seq", "desc"]], limit: 1 });
        // -1 marks a run that was looked at and had no deltas.
        const set = { pruned_seq: last?.seq ?? -1 };
        await this.#deps.store.commit({
          writes: [{ delete: "events", where }, { update: "runs", where: { id }, set }],
        });
      }
    });
  }

  async #runs(signal: AbortSignal): Promise<number> {
    const { store, options } = this.#deps;
    const time = this.#before(options.run_days * DAY);
    const remove = (runs: RunRow[]) => store.commit({ writes: removalOf(runs.map((run) => run.id)) });
    let count = time === undefined ? 0 : await this.#ended({ ended_at: { lt: time } }, signal, remove);
    if (options.max_runs > 0) {
      const [total] = await store.sum({ from: "runs", where: { status: { in: FINAL_STATUS } }, sum: [], by: [] });
      for (let excess = (total?.count ?? 0) - options.max_runs; excess > 0 && !signal.aborted;) {
        const runs = await store.read({
          from: "runs",
          where: { status: { in: FINAL_STATUS } },
          order: [["ended_at", "asc"]],
          limit: Math.min(excess, PAGE),
        });
        if (runs.length === 0) break;
        await remove(runs);
        excess -= runs.length;
        count += runs.length;
        await this.#pause(signal);
      }
    }
    return count;
  }

  async #conversations(signal: AbortSignal): Promise<number> {
    const { options } = this.#deps;
    return await this.#untouched({ ephemeral: true }, options.ephemeral_hours * HOUR, signal) +
      await this.#untouched({}, options.conversation_days * DAY, signal);
  }

  /** Removes conversations in which nothing was said for `ms`. */
  async #untouched(which: Where<"conversations">, ms: number, signal: AbortSignal): Promise<number> {
    const { store, runs } = this.#deps;
    const time = this.#before(ms);
    let count = 0;
    while (time !== undefined && !signal.aborted) {
      const where = { ...which, updated_at: { lt: time } };
      const rows = await store.read({ from: "conversations", where, order: [["updated_at", "asc"]], limit: PAGE });
      for (const { id } of rows) await runs.deleteConversation(id);
      count += rows.length;
      if (rows.length < PAGE) break;
      await this.#pause(signal);
    }
    return count;
  }

  /** The id before which rows are older than `ms`: ids sort by time, so that nothing has to be looked for. */
  #bornBefore(prefix: string, ms: number): string | undefined {
    return ms === 0 ? undefined : `${prefix}_${toTimeText(this.#deps.clock.now() - ms)}`;
  }

  /** Removes rows of `from` with ids before `born`, and the oldest beyond `max`. */
  async #old(
    from: "audit" | "model_calls" | "tool_calls" | "rtc_sessions" | "rtc_looks",
    born: string | undefined,
    max: number,
    signal: AbortSignal,
  ): Promise<number> {
    const { store } = this.#deps;
    // Those of runs go with their runs, and calls may last.
    const which: Where<"tool_calls"> & Where<"rtc_sessions"> = from === "tool_calls"
      ? { run_id: null }
      : from === "rtc_sessions"
      ? { state: "ended" }
      : {};
    const [total] = max > 0 ? await store.sum({ from, where: which, sum: [], by: [] }) : [];
    let excess = (total?.count ?? 0) - max;
    let count = 0;
    while (!signal.aborted) {
      const tooMany = max > 0 && excess > 0;
      if (!tooMany && born === undefined) break;
      const rows = await store.read({
        from,
        where: tooMany ? which : { ...which, id: { lt: born! } },
        order: [["id", "asc"]],
        limit: tooMany ? Math.min(excess, PAGE * 10) : PAGE * 10,
      });
      if (rows.length === 0) break;
      await store.commit({ writes: [{ delete: from, where: { id: { in: rows.map((row) => row.id) } } }] });
      excess -= rows.length;
      count += rows.length;
      await this.#pause(signal);
    }
    return count;
  }

  /** Removes rows of `from` whose `column` lies before `time`. */
  async #passed<From extends "idempotency" | "rtc_secrets" | "rtc_rooms" | "rtc_members">(
    [from, column]: [From, Column<From>],
    time: string | undefined,
    signal: AbortSignal,
  ): Promise<number> {
    const { store } = this.#deps;
    let count = 0;
    while (time !== undefined && !signal.aborted) {
      const where = { [column]: { lt: time } } as Where<From>;
      const rows = await store.read({ from, where, order: [[column, "asc"]], limit: PAGE * 10 });
      if (rows.length === 0) break;
      const ids = { id: { in: rows.map((row) => row.id) } } as Where<From>;
      await store.commit({ writes: [{ delete: from, where: ids }] });
      count += rows.length;
      await this.#pause(signal);
    }
    return count;
  }

  /** Removes old files; messages go on naming them. */
  async #files(signal: AbortSignal): Promise<number> {
    const { store, blobs, options } = this.#deps;
    const time = this.#before(options.file_days * DAY);
    let count = 0;
    while (time !== undefined && !signal.aborted) {
      const where = { created_at: { lt: time } };
      const rows = await store.read({ from: "files", where, order: [["created_at", "asc"]], limit: PAGE });
      if (rows.length === 0) break;
      await store.commit({ writes: [{ delete: "files", where: { id: { in: rows.map((row) => row.id) } } }] });
      for (const { id } of rows) await blobs.delete(id);
      count += rows.length;
      await this.#pause(signal);
    }
    return count;
  }

  /** Removes users who are gone and of whom nothing is known. */
  async #users(signal: AbortSignal): Promise<number> {
    const { store, options } = this.#deps;
    const time = this.#before(options.user_days * DAY);
    let count = 0;
    while (time !== undefined && !signal.aborted) {
      const where = { last_seen_at: { lt: time }, context: null };
      const rows = await store.read({ from: "users", where, order: [["id", "asc"]], limit: PAGE });
      if (rows.length === 0) break;
      await store.commit({ writes: [{ delete: "users", where: { ...where, id: { in: rows.map((row) => row.id) } } }] });
      count += rows.length;
      await this.#pause(signal);
    }
    return count;
  }

  /** Removes agents that were deleted, unless a file would bring them back. */
  async #agents(signal: AbortSignal): Promise<number> {
    const { store, options } = this.#deps;
    const time = this.#before(options.run_days * DAY);
    let count = 0;
    let after = "";
    while (time !== undefined && !signal.aborted) {
      const where = { deleted_at: { lt: time, ne: null }, source_hash: null, id: { gt: after } };
      const rows = await store.read({ from: "agents", where, order: [["id", "asc"]], limit: PAGE });
      if (rows.length === 0) break;
      for (const { tenant_id, id: agent_id, revision } of rows) {
        after = agent_id;
        // A run may pin an old revision; one made anew would begin to count at the same numbers.
        const [kept] = await store.read({
          from: "agent_revisions",
          where: { tenant_id, agent_id, revision: { ne: revision } },
          limit: 1,
        });
        const [run] = await store.read({ from: "runs", where: { tenant_id, agent_id }, limit: 1 });
        if (kept || run) continue;
        const where = { tenant_id, agent_id };
        await store.commit({
          writes: [{ delete: "agents", where: { tenant_id, id: agent_id, revision } }, {
            delete: "agent_revisions",
            where,
          }],
        });
        count++;
      }
      await this.#pause(signal);
    }
    return count;
  }

  /** Removes blobs that no row names: what a crash between the two left behind. */
  async #orphans(signal: AbortSignal): Promise<number> {
    const { store, blobs, options, clock } = this.#deps;
    const young = `file_${toTimeText(clock.now() - options.orphan_file_hours * HOUR)}`;
    let count = 0;
    for await (const id of blobs.list()) {
      if (signal.aborted) break;
      if (id >= young) continue;
      const [row] = await store.read({ from: "files", where: { id }, limit: 1 });
      if (row) continue;
      await blobs.delete(id);
      count++;
    }
    return count;
  }

  /** Removes revisions of agents that no run pins and that are not the newest. */
  async #revisions(signal: AbortSignal): Promise<number> {
    const { store } = this.#deps;
    const time = this.#before(this.#deps.options.run_days * DAY);
    let count = 0;
    let after = "";
    while (time !== undefined && !signal.aborted) {
      const where = { created_at: { lt: time }, id: { gt: after } };
      const rows = await store.read({ from: "agent_revisions", where, order: [["id", "asc"]], limit: PAGE });
      for (const { id, tenant_id, agent_id, revision } of rows) {
        const [current] = await store.read({ from: "agents", where: { tenant_id, id: agent_id, revision }, limit: 1 });
        const pinned = { tenant_id, agent_id, agent_revision: revision };
        const [run] = await store.read({ from: "runs", where: pinned, limit: 1 });
        if (current || run) continue;
        await store.commit({ writes: [{ delete: "agent_revisions", where: { id } }] });
        count++;
      }
      if (rows.length < PAGE) break;
      after = rows.at(-1)!.id;
      await this.#pause(signal);
    }
    return count;
  }

  async #pause(signal: AbortSignal): Promise<void> {
    await sleep(this.#deps.clock, PAUSE_MS, signal).catch(() => {});
  }
}
