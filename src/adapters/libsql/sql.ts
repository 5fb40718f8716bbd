/**
 * Queries and writes as SQL. Names come from `columns.ts` alone, values are
 * always bound.
 *
 * @module
 */
import { type Table, TABLES } from "../../domain/table.ts";
import type { Condition, Precondition, Query, SumQuery, Write } from "../../ports/store.ts";
import { type Codec, CODECS, TABLE_NAMES } from "./columns.ts";

/** A value as it is bound. Anything else would end the process inside the addon. */
export type Value = string | number | null;

/** A statement and what is bound to it. */
export interface Statement {
  sql: string;
  args: Value[];
}

/** A row without its type. */
export type AnyRow = Record<string, unknown>;

const OPERATORS: Readonly<Record<string, string>> = { lt: "<", lte: "<=", gt: ">", gte: ">=", ne: "IS NOT" };

/** Rows a statement inserts at most; few sizes, so that few statements are kept prepared. */
const CHUNKS = [64, 16] as const;

function codecOf(table: Table, column: string): Codec {
  const codec = CODECS[table]?.get(column);
  if (codec === undefined) throw new TypeError(`Cannot use column "${column}" of table "${table}": there is none`);
  return codec;
}

function toValue(value: unknown, table: Table, column: string): Value {
  switch (typeof value) {
    case "string":
      // Text with a NUL is stored whole but read back only up to it.
      return value.includes("\0") ? value.replaceAll("\0", "\ufffd") : value;
    case "number":
      if (Number.isFinite(value)) return value;
      break;
    case "boolean":
      return value ? 1 : 0;
    case "undefined":
      return null;
    case "object":
      if (value === null) return null;
  }
  throw new TypeError(`Cannot store ${String(value)} (${typeof value}) in column "${column}" of table "${table}"`);
}

function encode(value: unknown, codec: Codec, table: Table, column: string): Value {
  if (codec !== "json") return toValue(value, table, column);
  return value === null || value === undefined ? null : JSON.stringify(value) ?? null;
}

function whereOf(table: Table, where: Readonly<Record<string, Condition | undefined>>, args: Value[]): string {
  const parts: string[] = [];
  for (const column in where) {
    const condition = where[column];
    const codec = codecOf(table, column);
    const bind = (value: unknown) => {
      if (codec === "json" && value !== null) {
        throw new TypeError(`Cannot compare column "${column}" of table "${table}": it holds JSON`);
      }
      args.push(toValue(value, table, column));
    };
    // Ignoring it would silently widen what is read, changed or deleted.
    if (condition === undefined) throw new TypeError(`Cannot compare column "${column}" with undefined`);
    if (condition === null) {
      parts.push(`${column} IS NULL`);
    } else if (typeof condition !== "object") {
      bind(condition);
      parts.push(`${column} = ?`);
    } else {
      const tests = Object.entries(condition);
      if (tests.length === 0) throw new TypeError(`Cannot compare column "${column}" with nothing`);
      for (const [name, value] of tests) {
        if (name === "in" && Array.isArray(value)) {
          parts.push(inOf(table, column, value, args));
          continue;
        }
        const operator = OPERATORS[name];
        if (operator === undefined || value === undefined) {
          throw new TypeError(`Cannot compare column "${column}" by "${name}"`);
        }
        bind(value);
        parts.push(`${column} ${operator} ?`);
      }
    }
  }
  return parts.length === 0 ? "" : ` WHERE ${parts.join(" AND ")}`;
}

/** One text for lists of any length, so that each doesn't need a statement of its own. */
function inOf(table: Table, column: string, list: readonly unknown[], args: Value[]): string {
  const values = list.map((value) => toValue(value, table, column));
  const known = values.filter((value) => value !== null);
  args.push(JSON.stringify(known));
  const found = `${column} IN (SELECT value FROM json_each(?))`;
  return known.length === values.length ? found : `(${found} OR ${column} IS NULL)`;
}

/** `query` as SQL. */
export function toSelect<T extends Table>({ from, where = {}, order = [], skip = 0, limit }: Query<T>): Statement {
  for (const count of [limit, skip]) {
    if (!Number.isSafeInteger(count) || count < 0) {
      throw new RangeError(`Cannot read or skip ${count} rows of "${from}"`);
    }
  }
  const args: Value[] = [];
  const sorted = order.map(([column, direction]) => {
    codecOf(from, column);
    return `${column} ${direction === "desc" ? "DESC" : "ASC"}`;
  });
  const columns = [...CODECS[from].keys()].join(", ");
  const filter = whereOf(from, where, args);
  args.push(limit);
  const sort = sorted.length === 0 ? "" : ` ORDER BY ${sorted.join(", ")}`;
  if (skip > 0) args.push(skip);
  return { sql: `SELECT ${columns} FROM ${from}${filter}${sort} LIMIT ?${skip > 0 ? " OFFSET ?" : ""}`, args };
}

/** `query` as SQL. */
export function toSum<T extends Table>({ from, where = {}, sum, by }: SumQuery<T>): Statement {
  const args: Value[] = [];
  for (const column of [...sum, ...by]) codecOf(from, column);
  const columns = [...by, ...sum.map((column) => `SUM(${column}) AS ${column}`), "COUNT(*) AS count"];
  const group = by.length === 0 ? "" : ` GROUP BY ${by.join(", ")} ORDER BY ${by.join(", ")}`;
  return { sql: `SELECT ${columns.join(", ")} FROM ${from}${whereOf(from, where, args)}${group}`, args };
}

/** A query that finds a row where `precondition` is about an existing one. */
export function toProbe({ from, where }: Precondition): Statement {
  const args: Value[] = [];
  return { sql: `SELECT 1 AS found FROM ${from}${whereOf(from, where, args)} LIMIT 1`, args };
}

/** {@linkcode CODECS} as lists, which are gone through faster. */
const COLUMN_LISTS = Object.fromEntries(
  TABLE_NAMES.map((table) => [table, Array.from(CODECS[table], ([column, codec]) => ({ column, codec }))]),
) as unknown as { readonly [T in Table]: readonly { column: string; codec: Codec }[] };

/** The texts of inserts, by how many rows they insert: made once, as finding a statement hashes its text. */
const INSERTS = new Map(TABLE_NAMES.map((table) => [table, new Map<number, string>()]));

function insertText(table: Table, count: number): string {
  const known = INSERTS.get(table)!.get(count);
  if (known !== undefined) return known;
  const columns = [...CODECS[table].keys()];
  const row = `(${columns.map(() => "?").join(", ")})`;
  const text = `INSERT INTO ${table} (${columns.join(", ")}) VALUES ${Array(count).fill(row).join(", ")}`;
  INSERTS.get(table)!.set(count, text);
  return text;
}

function insertOf(table: Table, rows: readonly AnyRow[]): Statement {
  const args: Value[] = [];
  for (const row of rows) {
    let missing = 0;
    for (const { column, codec } of COLUMN_LISTS[table]) {
      const value = row[column];
      if (value === undefined) missing++;
      args.push(encode(value, codec, table, column));
    }
    // A column that there is not.
    const names = Object.keys(row);
    if (names.length > COLUMN_LISTS[table].length - missing) names.forEach((name) => codecOf(table, name));
  }
  return { sql: insertText(table, rows.length), args };
}

function insertsOf(table: Table, rows: readonly AnyRow[]): Statement[] {
  const statements: Statement[] = [];
  let at = 0;
  while (at < rows.length) {
    const size = CHUNKS.find((chunk) => chunk <= rows.length - at) ?? rows.length - at;
    statements.push(insertOf(table, rows.slice(at, at += size)));
  }
  return statements;
}

function upsertOf(table: Table, row: AnyRow): Statement {
  const key = TABLES[table].key as readonly string[];
  const { sql, args } = insertOf(table, [row]);
  const changed = [...CODECS[table].keys()].filter((column) => !key.includes(column));
  const set = changed.map((column) => `${column} = excluded.${column}`).join(", ");
  return { sql: `${sql} ON CONFLICT (${key.join(", ")}) DO UPDATE SET ${set}`, args };
}

function updateOf(table: Table, set: AnyRow, where: Record<string, Condition>): Statement[] {
  const args: Value[] = [];
  const parts: string[] = [];
  for (const column in set) {
    args.push(encode(set[column], codecOf(table, column), table, column));
    parts.push(`${column} = ?`);
  }
  if (parts.length === 0) return [];
  return [{ sql: `UPDATE ${table} SET ${parts.join(", ")}${whereOf(table, where, args)}`, args }];
}

/** `write` as SQL. */
export function toStatements(write: Write): Statement[] {
  if ("insert" in write) return insertsOf(write.insert, write.rows as unknown as AnyRow[]);
  if ("upsert" in write) return [upsertOf(write.upsert, write.row as unknown as AnyRow)];
  if ("update" in write) return updateOf(write.update, write.set as AnyRow, write.where as Record<string, Condition>);
  const args: Value[] = [];
  const filter = whereOf(write.delete, write.where as Record<string, Condition>, args);
  return [{ sql: `DELETE FROM ${write.delete}${filter}`, args }];
}

/** Turns `rows`, as the database gives them, into rows of `table`, in place. */
export function decodeRows(table: Table, rows: AnyRow[]): AnyRow[] {
  const { json, flags } = TABLES[table] as { json: readonly string[]; flags: readonly string[] };
  for (const row of rows) {
    for (const column of json) {
      const text = row[column];
      if (typeof text === "string") row[column] = JSON.parse(text);
    }
    for (const column of flags) {
      if (row[column] !== null) row[column] = row[column] !== 0;
    }
  }
  return rows;
}
