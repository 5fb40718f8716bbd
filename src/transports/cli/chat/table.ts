/**
 * Tables of Markdown, laid out in the width there is.
 *
 * @module
 */
import { MARK, type Paint } from "./ink.ts";
import { type Cell, parseInline } from "./inline.ts";
import { paintCells, widthOfCells, wrapCells } from "./wrap.ts";

type Align = "left" | "right" | "center";

/** Narrower than this a column is no longer readable. */
const LEAST = 6;
const GAP = 3;

/** The parts of a row between its bars. Bars in code and behind a backslash are text. */
export function toParts(row: string): string[] {
  const parts = [""];
  const inner = row.trim().replace(/^\|/, "");
  for (const piece of inner.match(/\\.|`[^`]*`|[^\\`|]+|[\\`|]/g) ?? []) {
    if (piece === "|") parts.push("");
    else parts[parts.length - 1] += piece === "\\|" ? "|" : piece;
  }
  if (parts.at(-1)!.trim() === "" && parts.length > 1) parts.pop();
  return parts.map((part) => part.trim());
}

/** Whether `row` is the line below the head. */
export function isDelimiter(row: string): boolean {
  return row.includes("-") && toParts(row).every((part) => /^:?-+:?$/.test(part));
}

function toAlign(part: string): Align {
  return part.endsWith(":") ? part.startsWith(":") ? "center" : "right" : "left";
}

/** How the columns of one table are shown; the first rows decide. */
export interface Columns {
  widths: number[];
  aligns: Align[];
}

function longestWord(cells: readonly Cell[]): number {
  let [longest, current] = [0, 0];
  for (const cell of cells) {
    current = cell.text === " " ? 0 : current + cell.width;
    longest = Math.max(longest, current);
  }
  return longest;
}

/** Chooses columns for `rows`, the head first; null when there is no room for them side by side. */
export function toColumns(rows: readonly string[][], delimiter: string, width: number): Columns | null {
  const aligns = toParts(delimiter).map(toAlign);
  const room = width - GAP * (aligns.length - 1);
  const cells = rows.map((row) => row.map((part) => parseInline(part).cells));
  const widths = aligns.map((_, i) => Math.max(1, ...cells.map((row) => widthOfCells(row[i] ?? []))));
  const words = aligns.map((_, i) => Math.max(1, ...cells.map((row) => longestWord(row[i] ?? []))));
  for (let over = sum(widths) - room; over > 0; over--) {
    // The widest gives way, as long as one of them can without breaking words.
    const soft = widths.map((one, i) => one > Math.max(words[i]!, LEAST) ? one : 0);
    const from = Math.max(...soft) > 0 ? soft : widths.map((one) => one > LEAST ? one : 0);
    const widest = Math.max(...from);
    if (widest === 0) return null;
    widths[from.indexOf(widest)]!--;
  }
  return { widths, aligns };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}

function place(cells: readonly Cell[], width: number, align: Align, paint: Paint): string {
  const free = Math.max(0, width - widthOfCells(cells));
  const left = align === "right" ? free : align === "center" ? free >> 1 : 0;
  return " ".repeat(left) + paintCells(cells, paint) + " ".repeat(free - left);
}

/** A row in columns; as many lines as its highest cell. */
export function toRow(row: readonly string[], { widths, aligns }: Columns, paint: Paint, marks = 0): string[] {
  const columns = widths.map((width, i) => wrapCells(parseInline(row[i] ?? "", { marks }).cells, width));
  const height = Math.max(...columns.map((lines) => lines.length));
  return Array.from(
    { length: height },
    (_, y) =>
      columns.map((lines, i) => place(lines[y] ?? [], widths[i]!, aligns[i]!, paint))
        .join(paint(" │ ", MARK.dim)).trimEnd(),
  );
}

/** The line below the head. */
export function toRuler({ widths }: Columns, paint: Paint): string {
  return paint(widths.map((width) => "─".repeat(width)).join("─┼─"), MARK.dim);
}

/** A row that found no room, one line for each cell: the head's word and the value. */
export function toRecord(row: readonly string[], head: readonly string[], width: number, paint: Paint): string[] {
  return head.flatMap((name, i) => {
    const cells = [
      ...parseInline(`${name}: `, { marks: MARK.bold }).cells,
      ...parseInline(row[i] ?? "").cells,
    ];
    return wrapCells(cells, width).map((line) => paintCells(line, paint));
  });
}
