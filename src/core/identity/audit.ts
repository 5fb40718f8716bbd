/**
 * The record of refusals and of acts of administration.
 *
 * @module
 */
import { ownerOf, type Principal } from "../../domain/access.ts";
import type { AuditRow } from "../../domain/table.ts";
import type { Clock } from "../../kit/clock.ts";
import { toTime } from "../../kit/clock.ts";
import { createId } from "../../kit/id.ts";
import type { Log } from "../../kit/log.ts";
import { maskSecrets } from "../../kit/log.ts";
import type { Store } from "../../ports/store.ts";

/** Something to remember. */
export interface AuditEntry {
  principal: Principal;
  /** What was attempted: an operation's id, or `identify`. */
  action: string;
  outcome: AuditRow["outcome"];
  /** The error's class for a refusal. */
  error?: string | null;
  address: string;
  request_id: string;
  details?: Record<string, unknown>;
  /** Whether it is a row of its own, whatever was refused just before. */
  apart?: boolean;
}

/** A row on its way to the store. */
interface Pending {
  row: AuditRow;
  /** How often it happened. */
  count: number;
  /** How much of `count` is stored. */
  stored: number;
  /** Until when the same counts here. */
  open_until: number;
}

const FLUSH_AFTER = 1_000;
const SAME_WITHIN = 10_000;
const CAPACITY = 1_000;
/** Refusals leave room for acts of administration, so that a flood hides none. */
const REFUSAL_CAPACITY = 900;
const MAX_TEXT = 500;
const MAX_DETAILS = 4_000;
const SECRET_FIELD = /api_?key$|secret|password|authorization|credential|cookie|token$|ticket/i;

function clean(text: string): string {
  // Masked before it is cut, or the cut could leave a secret that no longer looks like one.
  const masked = maskSecrets(text.slice(0, 4 * MAX_TEXT));
  return masked.length > MAX_TEXT ? `${masked.slice(0, MAX_TEXT)}…` : masked;
}

function cleanDetails(details: Record<string, unknown>): Record<string, unknown> {
  try {
    const json = JSON.stringify(details, (key, value) => {
      if (typeof value === "bigint") return value.toString();
      if (typeof value !== "string") return value;
      return SECRET_FIELD.test(key) ? "[masked]" : clean(value);
    });
    return json.length > MAX_DETAILS ? { left_out: `${json.length} characters` } : JSON.parse(json);
  } catch {
    return { left_out: "not plain data" };
  }
}

/** A row that could not be stored yet goes on counting, so that an outage adds no rows. */
function isOpen({ count, stored, open_until }: Pending, now: number): boolean {
  return now < open_until || stored < count;
}

/**
 * Writes the `audit` table in batches. Recording never throws and never waits.
 * A refusal repeated within ten seconds is one row, whose `details.count` rises.
 */
export class Audit implements AsyncDisposable {
  readonly #store: Pick<Store, "commit">;
  readonly #clock: Clock;
  readonly #log: Pick<Log, "warn">;
  /** By what makes refusals the same; acts of administration by their row's id. */
  readonly #pending = new Map<string, Pending>();
  #timer: Disposable | undefined;
  #flushing: Promise<void> = Promise.resolve();

  constructor({ store, clock, log }: { store: Pick<Store, "commit">; clock: Clock; log: Pick<Log, "warn"> }) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
  }

  /** Remembers `entry`. */
  record(entry: AuditEntry): void {
    const now = this.#clock.now();
    const { tenant_id, key_id, user_id = "" } = entry.principal;
    const refused = entry.outcome === "refused";
    const same = refused && entry.apart !== true
      ? JSON.stringify([tenant_id, key_id, user_id, entry.action, entry.error ?? "", entry.address])
      : undefined;
    const pending = same === undefined ? undefined : this.#pending.get(same);
    if (pending && isOpen(pending, now)) pending.count += 1;
    else if (this.#pending.size < (refused ? REFUSAL_CAPACITY : CAPACITY)) this.#add(entry, same, now);
    else this.#addLost(entry, now);
    this.#timer ??= this.#clock.after(FLUSH_AFTER, () => void this.flush());
  }

  /** Writes what waits. Never rejects: what can't be written is tried again. */
  flush(): Promise<void> {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    return this.#flushing = this.#flushing.then(() => this.#write());
  }

  /** Writes the rest. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.flush();
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
  }

  #add(entry: AuditEntry, same: string | undefined, now: number): void {
    const row: AuditRow = {
      ...ownerOf(entry.principal),
      id: createId("aud"),
      time: toTime(now),
      action: clean(entry.action),
      outcome: entry.outcome,
      error: entry.error ?? null,
      address: clean(entry.address),
      request_id: clean(entry.request_id),
      details: cleanDetails(entry.details ?? {}),
    };
    const open_until = same === undefined ? now : now + SAME_WITHIN;
    this.#pending.set(same ?? row.id, { row, count: 1, stored: 0, open_until });
  }

  /** Counts what there is no room for, in one row for each outcome. */
  #addLost({ principal: { tenant_id }, outcome }: AuditEntry, now: number): void {
    const same = `lost ${outcome}`;
    const pending = this.#pending.get(same);
    if (pending && isOpen(pending, now)) {
      pending.count += 1;
      return;
    }
    const principal: Principal = {
      tenant_id,
      key_id: "system",
      access: "public",
      scopes: [],
      may_assert_user: false,
    };
    this.#add(
      { principal, action: "audit_overflow", outcome, address: "", request_id: "" },
      same,
      now,
    );
  }

  async #write(): Promise<void> {
    const now = this.#clock.now();
    const dirty = [...this.#pending.values()].filter(({ count, stored }) => stored < count);
    const counts = dirty.map(({ count }) => count);
    const writes = dirty.map(({ row, count }) => ({
      upsert: "audit" as const,
      row: count === 1 ? row : { ...row, details: { ...row.details, count } },
    }));
    try {
      if (writes.length > 0) await this.#store.commit({ writes });
      for (const [index, pending] of dirty.entries()) pending.stored = counts[index]!;
    } catch (error) {
      this.#log.warn("Cannot write the audit, it will be tried again", { error, rows: writes.length });
    }
    for (const [name, { count, stored, open_until }] of this.#pending) {
      if (stored === count && open_until <= now) this.#pending.delete(name);
    }
    if (this.#pending.size > 0) this.#timer ??= this.#clock.after(FLUSH_AFTER, () => void this.flush());
  }
}
