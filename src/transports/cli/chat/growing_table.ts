/**
 * A table that comes row by row, and is shown as soon as its columns can be decided.
 *
 * @module
 */
import { type Page, type Prefix, roomBehind } from "./flow.ts";
import { MARK } from "./ink.ts";
import { type Columns, isDelimiter, toColumns, toParts, toRecord, toRow, toRuler } from "./table.ts";

/** After so many rows the columns of a table are decided. */
const TABLE_ROWS = 30;

/** What there is of a table. Replaced, never changed. */
export interface GrowingTable {
  quotes: number;
  prefix: Prefix;
  /** The head, the line below it, and rows that are not shown yet. */
  lines: readonly string[];
  /** Decided once rows were shown; null where records are shown instead. */
  columns?: Columns | null;
}

/** `table` with one line more; null when the line isn't one of it. */
export function addRow(table: GrowingTable, rest: string, quotes: number): GrowingTable | null {
  const [head = "", delimiter] = table.lines;
  const fits = delimiter === undefined
    ? isDelimiter(rest) && toParts(rest).length === toParts(head).length
    : rest.includes("|");
  return fits && quotes === table.quotes ? { ...table, lines: [...table.lines, rest] } : null;
}

/** Whether it only looks like a table so far. */
export function isOnlyHead({ lines }: GrowingTable): boolean {
  return lines.length === 1;
}

/** Whether the rows that came can be shown. */
export function isDecided({ columns, lines }: GrowingTable): boolean {
  return columns !== undefined || lines.length >= TABLE_ROWS;
}

/** The rows that are not shown yet in groups, between which there is an empty line, and the table without them. */
export function takeRows(table: GrowingTable, page: Page): { groups: string[][]; rest: GrowingTable } {
  const [head = "", delimiter = "", ...rows] = table.lines;
  const { paint } = page;
  const room = roomBehind(table.prefix, page);
  const names = toParts(head);
  const parts = rows.map(toParts);
  const columns = table.columns === undefined ? toColumns([names, ...parts], delimiter, room) : table.columns;
  const titles = columns && table.columns === undefined
    ? [...toRow(names, columns, paint, MARK.bold), toRuler(columns, paint)]
    : [];
  const groups = columns
    ? [[...titles, ...parts.flatMap((row) => toRow(row, columns, paint))]]
    : parts.map((row) => toRecord(row, names, room, paint));
  return {
    groups: groups.map((lines) => lines.map((line) => table.prefix.text + line)),
    rest: { ...table, lines: [head, delimiter], columns },
  };
}
