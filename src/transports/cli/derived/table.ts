/**
 * Rows of a list as a table that fits the terminal.
 *
 * @module
 */
import { toSafeJson, toSafeLine } from "../chat/safe_text.ts";
import { cutTo, widthOf } from "../chat/text_width.ts";
import { padTo, wrapTo } from "../layout.ts";
import type { Style } from "../style.ts";
import { isEmpty, isObject, isTime, toShort } from "./format.ts";

/** A row of a list. */
export type Row = Readonly<Record<string, unknown>>;

/** How a table is drawn. */
export interface TableOptions {
  style: Style;
  /** Cells of a line; Infinity where nothing is to be cut. */
  columns: number;
  /** Milliseconds since 1970. */
  now: number;
  /** Columns that nobody has to be told. */
  known?: readonly string[];
}

interface Column {
  name: string;
  title: string;
  width: number;
  /** Numbers stand at the right. */
  right: boolean;
}

const GAP = 2;
/** Where lines under a row begin. */
const INDENT = 4;
/** A text that is longer may be cut, to this at least. */
const SHORT = 16;
/** Longer than this is no cell of a table, even where nobody counts. */
const LONG = 200;

/** What tells rows apart best. */
const TELLING = ["status", "state", "name", "title", "role", "content", "action", "tool"];
/** Without these nothing can be done with a row. */
const NEEDED = ["run_id"];
/** What is told under its row where it can't be told in it as a whole. */
const UNDER = ["tool", "arguments", "reason"];
/** How much a column is wanted, most first. */
const RANKS = ["first", "needed", "telling", "first time", "short", "text", "id", "time", "object", "under"] as const;

function kindOf(name: string, values: readonly unknown[]): typeof RANKS[number] {
  if (NEEDED.includes(name)) return "needed";
  if (TELLING.includes(name)) return "telling";
  if (UNDER.includes(name)) return "under";
  const found = values.filter((value) => !isEmpty(value));
  if (found.some((value) => isObject(value) || (Array.isArray(value) && value.some(isObject)))) return "object";
  if (found.some(isTime)) return "time";
  if (found.every((value) => widthOf(toShort(value, 0)) <= SHORT)) return "short";
  return /_id$/.test(name) ? "id" : "text";
}

function toTitle(name: string): string {
  return toSafeLine(name).replace(/_at$/, "").replaceAll("_", " ").toUpperCase();
}

/** A value on one line. Arguments are told in one form, whatever they are. */
function toCell(name: string, value: unknown, now: number): string {
  return name === "arguments" && isObject(value) && !isEmpty(value) ? toSafeJson(value) : toShort(value, now);
}

/** Chooses the columns that fit, and how wide each is. */
export function chooseColumns(rows: readonly Row[], { columns, now, known = [] }: TableOptions): Column[] {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter((name) => !known.includes(name));
  const filled = names.filter((name) => rows.some((row) => !isEmpty(row[name])));
  const first = filled[0] ?? "";
  // A time that not every row has says less than when it was made.
  const firstTime = filled.find((name) => name === "created_at") ??
    filled.find((name) => rows.some((row) => isTime(row[name])));
  const candidates = filled.map((name, i) => {
    const values = rows.map((row) => row[name]);
    const kind = name === first ? "first" : name === firstTime ? "first time" : kindOf(name, values);
    const rank = RANKS.indexOf(kind);
    const title = toTitle(name);
    const widest = Math.max(...values.map((value) => widthOf(toCell(name, value, now))));
    const wanted = Math.min(Math.max(widest, widthOf(title)), LONG);
    const cuttable = ["telling", "text", "object"].includes(kind);
    const least = cuttable ? Math.min(wanted, Math.max(SHORT, widthOf(title))) : wanted;
    const right = values.every((value) => value === null || typeof value === "number");
    return { name, title, rank, i, wanted, least, right };
  }).sort((a, b) => a.rank - b.rank || a.i - b.i);
  let left = columns + GAP;
  const chosen = candidates.filter(({ rank, least }) => {
    if (rank > 0 && least + GAP > left) return false;
    left -= least + GAP;
    return true;
  });
  return chosen.map(({ name, title, wanted, least, right }) => {
    const width = Math.min(wanted, least + Math.max(left, 0));
    left -= width - least;
    return { name, title, width, right };
  });
}

/** The titles of columns that say something, and have no room. */
export function leftOut(rows: readonly Row[], chosen: readonly Column[], { known = [] }: TableOptions): string[] {
  const there = new Set([...known, ...chosen.map(({ name }) => name)]);
  const filled = new Set(rows.flatMap((row) => Object.keys(row).filter((name) => !isEmpty(row[name]))));
  return [...filled].filter((name) => !there.has(name) && !UNDER.includes(name)).map(toTitle);
}

/** The line above the rows. */
export function toHeader(chosen: readonly Column[], { style }: TableOptions): string {
  return style.bold(chosen.map(({ title, width, right }) => padTo(title, width, right)).join("  ").trimEnd());
}

/** One row. */
function toTableLine(row: Row, chosen: readonly Column[], { style, now }: TableOptions): string {
  const cells = chosen.map(({ name, width, right }, i) => {
    const cell = padTo(cutTo(toCell(name, row[name], now), width), width, right);
    return i === 0 ? style.cyan(cell) : cell;
  });
  return cells.join(" ".repeat(GAP)).trimEnd();
}

/** What of a row is told under it, for want of room. */
function toLinesUnder(
  row: Row,
  chosen: readonly Column[],
  { style, columns, now, known = [] }: TableOptions,
): string[] {
  const names = UNDER.filter((name) => {
    return !isEmpty(row[name]) && !known.includes(name) && chosen.every((column) => column.name !== name);
  });
  return names.flatMap((name) => {
    const lines = wrapTo(`${name}: ${toCell(name, row[name], now)}`, Math.max(columns - INDENT, SHORT));
    return lines.map((line) => `${" ".repeat(INDENT)}${style.dim(line)}`);
  });
}

/** A row with what is under it. */
export function toRowLines(row: Row, chosen: readonly Column[], options: TableOptions): string[] {
  return [toTableLine(row, chosen, options), ...toLinesUnder(row, chosen, options)];
}

/** All of it, in lines. */
export function toTable(rows: readonly Row[], options: TableOptions): string[] {
  const chosen = chooseColumns(rows, options);
  return [toHeader(chosen, options), ...rows.flatMap((row) => toRowLines(row, chosen, options))];
}
