/**
 * Users and what agents should know of them.
 *
 * @module
 */
import { ownerOf, type Principal } from "../../domain/access.ts";
import { AppError } from "../../domain/error.ts";
import { type Page, type PageRequest, toPage } from "../../domain/page.ts";
import type { UserRow } from "../../domain/table.ts";
import type { UserContext } from "../../domain/user.ts";
import { type Clock, toTime } from "../../kit/clock.ts";
import type { Store } from "../../ports/store.ts";

/** A user is noted as seen at most this often. */
const SEEN_MS = 60_000;
const MAX_SEEN = 10_000;

/** Knows users and their contexts. */
export class Users {
  #store: Store;
  #clock: Clock;
  #seen = new Map<string, number>();

  constructor({ store, clock }: { store: Store; clock: Clock }) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Notes that somebody acted for a user, so that they appear in the list. */
  async see(principal: Principal): Promise<void> {
    const { user_id } = principal;
    if (user_id === undefined) return;
    const id = rowId(principal.tenant_id, user_id);
    const now = this.#clock.now();
    if (now - (this.#seen.get(id) ?? 0) < SEEN_MS) return;
    if (this.#seen.size >= MAX_SEEN) this.#seen.clear();
    this.#seen.set(id, now);
    const row = await this.#find(principal.tenant_id, user_id);
    if (!row) await this.#put(principal, user_id, null, undefined);
    else await this.#store.commit({ writes: [{ update: "users", where: { id }, set: { last_seen_at: toTime(now) } }] });
  }

  /** A page of the tenant's users. */
  async list(tenant_id: string, { limit, cursor, order }: PageRequest): Promise<Page<UserRow>> {
    const after = cursor !== undefined && { user_id: order === "asc" ? { gt: cursor } : { lt: cursor } };
    const rows = await this.#store.read({
      from: "users",
      where: { tenant_id, ...after },
      order: [["user_id", order]],
      limit: limit + 1,
    });
    return toPage(rows, limit, (row) => row.user_id);
  }

  /** What is known of a user; undefined when nothing is. */
  async context(tenant_id: string, user_id: string): Promise<Record<string, unknown> | undefined> {
    return (await this.#find(tenant_id, user_id))?.context ?? undefined;
  }

  /** The context as shown. Rejects with `UserNotFoundError` when there is none. */
  async getContext(tenant_id: string, user_id: string): Promise<UserContext> {
    const row = await this.#find(tenant_id, user_id);
    if (!row?.context) throw new AppError("UserNotFoundError", `Cannot find a context of user "${user_id}"`);
    return { user_id, context: row.context, updated_at: row.updated_at };
  }

  /** Replaces the context. */
  async setContext(principal: Principal, user_id: string, context: Record<string, unknown>): Promise<UserContext> {
    const row = await this.#find(principal.tenant_id, user_id);
    return this.#put(principal, user_id, context, row);
  }

  /** Merges into the context; a null removes a fact (RFC 7396, one level). */
  async updateContext(principal: Principal, user_id: string, change: Record<string, unknown>): Promise<UserContext> {
    const row = await this.#find(principal.tenant_id, user_id);
    if (!row?.context) throw new AppError("UserNotFoundError", `Cannot find a context of user "${user_id}"`);
    const merged = Object.entries({ ...row.context, ...change }).filter(([, value]) => value !== null);
    return this.#put(principal, user_id, Object.fromEntries(merged), row);
  }

  /** Forgets the context; the user stays known. */
  async deleteContext(tenant_id: string, user_id: string): Promise<void> {
    await this.getContext(tenant_id, user_id);
    const set = { context: null, updated_at: toTime(this.#clock.now()) };
    await this.#store.commit({ writes: [{ update: "users", where: { id: rowId(tenant_id, user_id) }, set }] });
  }

  async #find(tenant_id: string, user_id: string): Promise<UserRow | undefined> {
    const [row] = await this.#store.read({ from: "users", where: { id: rowId(tenant_id, user_id) }, limit: 1 });
    return row;
  }

  async #put(
    principal: Principal,
    user_id: string,
    context: Record<string, unknown> | null,
    old: UserRow | undefined,
  ): Promise<UserContext> {
    const now = toTime(this.#clock.now());
    const row: UserRow = {
      ...ownerOf(principal),
      id: rowId(principal.tenant_id, user_id),
      user_id,
      context,
      created_at: old?.created_at ?? now,
      updated_at: now,
      last_seen_at: old?.last_seen_at ?? now,
    };
    await this.#store.commit({ writes: [{ upsert: "users", row }] });
    return { user_id, context: context ?? {}, updated_at: now };
  }
}

function rowId(tenant_id: string, user_id: string): string {
  return `${tenant_id}/${user_id}`;
}
