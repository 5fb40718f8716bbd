/**
 * Doing something once, however often it is asked.
 *
 * @module
 */
import { ownerOf, type Principal } from "../../domain/access.ts";
import { AppError } from "../../domain/error.ts";
import type { IdempotencyRow } from "../../domain/table.ts";
import { type Clock, toTime } from "../../kit/clock.ts";
import type { Store, Write } from "../../ports/store.ts";

/** Who asks to do what once. */
export interface OnceRequest {
  principal: Principal;
  operation: string;
  /** The caller's key. */
  key: string;
  /** What was asked, to tell a repetition from a mistake. */
  body: unknown;
}

/** A claim: either what was made before, or what to write when making it. */
export type Claim = { resource: string } | { resource: undefined; toWrite(resource: string): Write };

async function digest(text: string): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return bytes.toHex();
}

/** Finds what `request` made before. The row to write goes into the creating transaction. */
export async function claim(
  { store, clock }: { store: Store; clock: Clock },
  { principal, operation, key, body }: OnceRequest,
): Promise<Claim> {
  const owner = ownerOf(principal);
  const id = await digest(JSON.stringify([owner, operation, key]));
  const body_hash = await digest(JSON.stringify(body));
  const [row] = await store.read({ from: "idempotency", where: { id }, limit: 1 });
  if (row) {
    if (row.body_hash === body_hash) return { resource: row.resource };
    throw new AppError("ConflictError", `Cannot use idempotency key "${key}" again: it was used for another request`);
  }
  return {
    resource: undefined,
    toWrite: (resource) => {
      const created_at = toTime(clock.now());
      const made: IdempotencyRow = { ...owner, id, operation, body_hash, resource, created_at };
      return { insert: "idempotency", rows: [made] };
    },
  };
}
