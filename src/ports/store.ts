/**
 * Durable state. Everything that crosses this port is plain data, so that a
 * store may live in a Worker or behind a network.
 *
 * @module
 */
import type { Column, Table, Tables } from "../domain/table.ts";

/** A value of a column that can be compared. */
export type Scalar = string | number | boolean | null;

/** What a column must be. A bare value means equal; null means absent. */
export type Condition = Scalar | {
  lt?: Scalar;
  lte?: Scalar;
  gt?: Scalar;
  gte?: Scalar;
  ne?: Scalar;
  in?: readonly Scalar[];
};

/** What rows must be: every named column as said. */
export type Where<T extends Table> = { readonly [C in Column<T>]?: Condition };

/** Which rows to read. */
export interface Query<T extends Table> {
  from: T;
  where?: Where<T>;
  /** Columns to sort by, the first one first. */
  order?: readonly (readonly [Column<T>, "asc" | "desc"])[];
  /** How many of the first rows to leave out; each is still walked over. */
  skip?: number;
  /** How many rows at most. Required: nothing is read unbounded. */
  limit: number;
}

/** Sums over rows. */
export interface SumQuery<T extends Table> {
  from: T;
  where?: Where<T>;
  sum: readonly Column<T>[];
  by: readonly Column<T>[];
}

/** One group of a {@linkcode SumQuery}: the columns of `by`, the sums (null where nothing was known), and how many rows. */
export type SumRow = Record<string, string | number | null> & { count: number };

/** One change. */
export type Write = {
  [T in Table]:
    | { insert: T; rows: readonly Tables[T][] }
    /** Inserts, or replaces the row with the same key. */
    | { upsert: T; row: Tables[T] }
    | { update: T; where: Where<T>; set: Partial<Tables[T]> }
    | { delete: T; where: Where<T> };
}[Table];

/** Something that must hold, or nothing is changed. */
export type Precondition = {
  [T in Table]: { from: T; where: Where<T>; exists: boolean };
}[Table];

/** Changes that happen together or not at all. */
export interface Change {
  /** Checked first, in the same transaction. */
  preconditions?: readonly Precondition[];
  writes: readonly Write[];
}

/** A store. */
export interface Store extends AsyncDisposable {
  read<T extends Table>(query: Query<T>): Promise<Tables[T][]>;
  sum<T extends Table>(query: SumQuery<T>): Promise<SumRow[]>;
  /**
   * Applies `change`, after every change asked for earlier. Once it resolves,
   * the change survives the death of the process.
   *
   * Rejects with `CommitRefused` when a precondition does not hold or an
   * inserted row exists already; with `UnavailableError` when the database
   * can't be written. Nothing of the change is kept then.
   */
  commit(change: Change): Promise<void>;
  /** Writes a consistent copy to `path`, while others go on reading and writing. */
  backup(path: string): Promise<void>;
  /** Whether it answers, and what a person should know of it. */
  check(): Promise<{ ok: boolean; detail: string }>;
}
