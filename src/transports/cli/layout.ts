/**
 * Text in columns and lines.
 *
 * @module
 */
import { graphemesOf, graphemeWidth, widthOf } from "./chat/text_width.ts";

/** `text` with blanks up to `cells` cells: behind it or, as numbers want it, before it. */
export function padTo(text: string, cells: number, before = false): string {
  const blanks = " ".repeat(Math.max(0, cells - widthOf(text)));
  return before ? blanks + text : text + blanks;
}

/** What of `text` fits into `cells` cells, and the rest of it. */
function splitAt(text: string, cells: number): [string, string] {
  let [head, width] = ["", 0];
  for (const grapheme of graphemesOf(text)) {
    width += graphemeWidth(grapheme);
    if (width > cells && head !== "") break;
    head += grapheme;
  }
  return [head, text.slice(head.length)];
}

/** `text` in lines of at most `cells` cells, broken between words where that goes. */
export function wrapTo(text: string, cells: number): string[] {
  const lines: string[] = [];
  for (const paragraph of text.split("\n")) {
    let line = "";
    for (const word of paragraph.split(" ")) {
      const joined = line === "" ? word : `${line} ${word}`;
      if (widthOf(joined) <= cells) {
        line = joined;
        continue;
      }
      if (line !== "") lines.push(line);
      line = word;
      while (widthOf(line) > cells) {
        const [head, rest] = splitAt(line, cells);
        lines.push(head);
        line = rest;
      }
    }
    lines.push(line);
  }
  return lines;
}
