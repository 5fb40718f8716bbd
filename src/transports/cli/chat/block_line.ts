/**
 * What a line of Markdown is: heading, item, quote, fence, row of a table, or just text.
 *
 * @module
 */

/** The beginning of a line: how deep it is quoted, how far it is indented, what is left. */
export interface Opening {
  quotes: number;
  indent: number;
  rest: string;
}

/** A line, by its first characters. */
export type BlockLine =
  | { kind: "blank" }
  | { kind: "heading"; level: number; text: string }
  | { kind: "rule" }
  | { kind: "fence"; fence: string; language: string }
  | { kind: "item"; marker: string; content: number; text: string }
  | { kind: "row"; text: string }
  | { kind: "text"; text: string };

const BULLETS = ["•", "◦", "▪"];

/** Takes quote signs and indentation off a line. A tab counts as four spaces. */
export function openLine(line: string): Opening {
  let rest = line;
  let quotes = 0;
  for (let found; (found = /^ {0,3}> ?/.exec(rest)); quotes++) rest = rest.slice(found[0].length);
  const [space] = /^[ \t]*/.exec(rest)!;
  return { quotes, indent: space.replaceAll("\t", "    ").length, rest: rest.slice(space.length) };
}

/** Says what `rest` is. */
export function classify(rest: string): BlockLine {
  if (rest.trim() === "") return { kind: "blank" };
  const fence = /^(`{3,}|~{3,})\s*([^`]*)$/.exec(rest);
  if (fence) return { kind: "fence", fence: fence[1]!, language: fence[2]!.trim() };
  if (/^([-*_])(?:[ \t]*\1){2,}[ \t]*$/.test(rest)) return { kind: "rule" };
  const heading = /^(#{1,6})(?:[ \t]+|$)/.exec(rest);
  if (heading) {
    const text = rest.slice(heading[0].length).replace(/[ \t]+#+[ \t]*$/, "").trimEnd();
    return { kind: "heading", level: heading[1]!.length, text };
  }
  const item = /^([-*+]|\d{1,9}[.)])(?:[ \t]+|$)/.exec(rest);
  if (item) return { kind: "item", marker: item[1]!, content: item[0].length, text: rest.slice(item[0].length) };
  return rest.startsWith("|") ? { kind: "row", text: rest } : { kind: "text", text: rest };
}

/** The sign an item is shown with, and its text. `depth` counts from 0. */
export function toItem({ marker, text }: { marker: string; text: string }, depth: number): [string, string] {
  const sign = /\d/.test(marker) ? marker : BULLETS[Math.min(depth, BULLETS.length - 1)]!;
  const task = /^\[([ xX])\][ \t]+/.exec(text);
  return task ? [task[1] === " " ? "☐" : "☑", text.slice(task[0].length)] : [sign, text];
}

/** Whether more text could make anything else of a line that begins with `rest`: then none of it can be shown for good. */
export function isUndecided(rest: string): boolean {
  // The text of a heading can lose the signs at its end, which is seen only there.
  return rest === "" || /^(?:[|#]|```|~~~|[`~]{1,2}$)/.test(rest) || /^[-*_ \t]+$/.test(rest) ||
    /^\d{1,9}[.)]?$/.test(rest);
}
