/**
 * A line of text whose kind is known: read, broken into lines of the terminal, drawn; also while it is still growing.
 *
 * @module
 */
import type { Paint } from "./ink.ts";
import { type Cell, parseInline, toCells } from "./inline.ts";
import { chopCells, paintCells, wrapCells } from "./wrap.ts";

const LEAST_WIDTH = 10;

/** What stands before a line. */
export interface Prefix {
  text: string;
  width: number;
}

/** Text in the making, whose kind is known. */
export interface Flow {
  /** Before its first line. */
  first: Prefix;
  /** Before the others. */
  rest: Prefix;
  marks: number;
  code: boolean;
  text: string;
  /** The character before `text`. */
  before: string;
}

/** Where text is shown. */
export interface Page {
  /** How many cells a line may take. */
  width: () => number;
  paint: Paint;
}

/** How many cells are left behind `prefix`. */
export function roomBehind({ width }: Prefix, page: Page): number {
  return Math.max(LEAST_WIDTH, page.width() - width);
}

function read({ text, marks, before, code }: Flow, growing: boolean): { cells: Cell[]; settled: number } {
  if (!code) return parseInline(text, { marks, before, growing });
  const cells = [...toCells(text, { marks, inside: false, start: 0 })];
  return { cells, settled: text.length - (/[\ud800-\udbff]$/.test(text) ? 1 : 0) };
}

function part(cells: readonly Cell[], { first, code }: Flow, page: Page): Cell[][] {
  return (code ? chopCells : wrapCells)(cells, roomBehind(first, page));
}

function draw(lines: readonly Cell[][], { first, rest }: Flow, { paint }: Page): string[] {
  return lines.map((line, i) => (i === 0 ? first : rest).text + paintCells(line, paint));
}

/** The lines of `flow`. `growing`: what is still open is shown as if it were closed. */
export function toLines(flow: Flow, page: Page, { growing = false }: { growing?: boolean } = {}): string[] {
  return draw(part(read(flow, growing).cells, flow, page), flow, page);
}

/** Parts the lines that nothing can change any more from what follows them; null while there are none. */
export function settle(flow: Flow, page: Page): { lines: string[]; rest: Flow } | null {
  const { cells, settled } = read(flow, false);
  const lines = part(cells.filter((cell) => cell.start < settled), flow, page);
  for (let last = lines.length - 1; last > 0; last--) {
    const next = lines[last]![0];
    if (!next || next.inside) continue;
    const text = flow.text.slice(next.start);
    const before = flow.text[next.start - 1] ?? "";
    return { lines: draw(lines.slice(0, last), flow, page), rest: { ...flow, first: flow.rest, text, before } };
  }
  return null;
}
