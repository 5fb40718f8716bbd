/**
 * Breaking a line of characters into lines of a terminal.
 *
 * @module
 */
import type { Paint } from "./ink.ts";
import type { Cell } from "./inline.ts";

/** Parts `cells` into lines of at most `width`: at spaces, between wide characters, or else anywhere. */
export function wrapCells(cells: readonly Cell[], width: number): Cell[][] {
  const lines: Cell[][] = [];
  let line: Cell[] = [];
  let used = 0;
  /** After how many cells of `line` it may be broken. */
  let breakable = 0;
  for (const cell of cells) {
    if (cell.width === 2) breakable = line.length;
    if (used + cell.width > width && cell.text !== " " && line.length > 0) {
      const rest = line.splice(breakable > 0 ? breakable : line.length);
      lines.push(line);
      line = rest;
      used = widthOfCells(line);
      breakable = 0;
    }
    line.push(cell);
    used += cell.width;
    if (cell.text === " " || cell.width === 2) breakable = line.length;
  }
  lines.push(line);
  return lines.map((one, i) => trimSpaces(one, { start: i > 0 }));
}

/** Parts `cells` every `width` cells and keeps every space, as code wants it. */
export function chopCells(cells: readonly Cell[], width: number): Cell[][] {
  const lines: Cell[][] = [];
  let line: Cell[] = [];
  let used = 0;
  for (const cell of cells) {
    if (used + cell.width > width && line.length > 0) {
      lines.push(line);
      line = [];
      used = 0;
    }
    line.push(cell);
    used += cell.width;
  }
  return [...lines, line];
}

function trimSpaces(line: Cell[], { start }: { start: boolean }): Cell[] {
  let from = 0;
  let to = line.length;
  while (start && line[from]?.text === " ") from++;
  while (to > from && line[to - 1]!.text === " ") to--;
  return line.slice(from, to);
}

/** How wide `cells` are. */
export function widthOfCells(cells: readonly Cell[]): number {
  return cells.reduce((sum, cell) => sum + cell.width, 0);
}

/** `cells` as text, with their marks. */
export function paintCells(cells: readonly Cell[], paint: Paint): string {
  let text = "";
  for (let i = 0; i < cells.length;) {
    const { marks } = cells[i]!;
    let run = "";
    for (; i < cells.length && cells[i]!.marks === marks; i++) run += cells[i]!.text;
    text += paint(run, marks);
  }
  return text;
}
