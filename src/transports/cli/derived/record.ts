/**
 * One thing as names and values.
 *
 * @module
 */
import { toSafe, toSafeJson, toSafeLine } from "../chat/safe_text.ts";
import { widthOf } from "../chat/text_width.ts";
import { padTo, wrapTo } from "../layout.ts";
import { isEmpty, isObject, isTime, toMoment, toShort } from "./format.ts";
import { type Row, type TableOptions, toTable } from "./table.ts";

const INDENT = 2;
/** What is deeper than this is told as JSON. */
const DEEPEST = 3;
/** Where values begin at the latest. */
const FURTHEST = 24;

function toText(value: unknown, now: number): string {
  if (isTime(value)) return toMoment(value, now);
  return typeof value === "string" ? toSafe(value) : toShort(value, now);
}

function indented(lines: readonly string[], by = INDENT): string[] {
  return lines.map((line) => line === "" ? "" : `${" ".repeat(by)}${line}`);
}

function isRows(value: unknown): value is Row[] {
  return Array.isArray(value) && value.length > 0 && value.every(isObject);
}

/** A name's lines where its value takes more than the rest of a line. */
function toBlock(name: string, value: unknown, options: TableOptions, depth: number): string[] | undefined {
  const inner = { ...options, columns: options.columns - INDENT };
  const head = options.style.cyan(`${name}:`);
  if (isRows(value)) return [head, ...indented(toTable(value, inner))];
  if (!isObject(value)) return undefined;
  if (depth < DEEPEST) return [head, ...indented(toRecord(value, inner, depth + 1))];
  return [head, ...indented(wrapTo(toSafeJson(value), inner.columns))];
}

/** The lines that tell `record`. What is empty is left out. */
export function toRecord(record: Row, options: TableOptions, depth = 0): string[] {
  const { style, columns, now } = options;
  const filled = Object.entries(record).filter(([, value]) => !isEmpty(value))
    // Names further inside may be somebody's data.
    .map(([name, value]) => [depth === 0 ? toSafe(name).replaceAll("_", " ") : toSafeLine(name), value] as const);
  const plain = filled.filter(([, value]) => !isRows(value) && !isObject(value));
  const width = Math.min(FURTHEST, Math.max(0, ...plain.map(([name]) => widthOf(name) + 1)));
  return filled.flatMap(([name, value]) => {
    const block = toBlock(name, value, options, depth);
    if (block !== undefined) return block;
    const text = toText(value, now);
    const room = columns - width - 2;
    // An id in two parts could not be copied.
    if (!/\s/.test(text) && widthOf(text) > room) return [style.cyan(`${name}:`), ...indented([text])];
    const [first = "", ...rest] = wrapTo(text, Math.max(room, 10));
    return [`${style.cyan(padTo(`${name}:`, width))}  ${first}`, ...indented(rest, width + 2)];
  });
}
