/**
 * The marks inside a line of Markdown: emphasis, code, links.
 *
 * Made for text that is still growing: it says how far what it found can no longer change. So that this is never far
 * behind, a mark that is not closed within {@linkcode REACH} characters is no mark.
 *
 * @module
 */
import { MARK } from "./ink.ts";
import { toSafe } from "./safe_text.ts";
import { graphemesOf, widthOf } from "./text_width.ts";

/** How far apart the beginning and the end of a mark may be. */
export const REACH = 1000;

/** One character as shown. */
export interface Cell {
  text: string;
  width: number;
  marks: number;
  /** Where in the source it begins. */
  start: number;
  /** Whether it is inside a mark, so that the source can't be parted before it. */
  inside: boolean;
}

/** A line, read. */
export interface Inline {
  cells: Cell[];
  /** Whatever is added to the source, what begins before this place stays. */
  settled: number;
}

/** Options for {@linkcode parseInline}. */
export interface InlineOptions {
  /** Marks of the whole line. */
  marks?: number;
  /** The character before the line. */
  before?: string;
  /** Whether to show a mark that may still be closed as if it were. */
  growing?: boolean;
}

const PUNCTUATION = /[!-/:-@[-`{-~]/;
const WORD = /[\p{L}\p{N}]/u;
/** From one of these on, something may come of what ends the text. */
const TAIL = /(?:[\ud800-\udbff]|[*_~`\\!]+|\][^\]]?|<[^<>\s]*)$/;
const LINK_END = /^\]\(\s*(?:<([^<>]*)>|([^\s()]*(?:\([^\s()]*\)[^\s()]*)*))(?:\s+(?:"[^"]*"|'[^']*'|\([^)]*\)))?\s*\)/;
const AUTOLINK = /^<((?:https?:\/\/|mailto:)[^\s<>]+)>/;

/** Characters as they are, beginning at `start` of the source. What is made visible takes several cells. */
export function* toCells(
  text: string,
  { marks, inside, start }: Pick<Cell, "marks" | "inside" | "start">,
): Generator<Cell> {
  let at = start;
  for (const grapheme of graphemesOf(text)) {
    const safe = toSafe(grapheme);
    for (const [i, shown] of (safe === grapheme ? [grapheme] : graphemesOf(safe)).entries()) {
      yield { text: shown, width: widthOf(shown), marks, start: at, inside: inside || i > 0 };
    }
    at += grapheme.length;
  }
}

interface Frame {
  end: number;
  marks: number;
  inside: boolean;
}

/** Reads a line piece by piece, from the left. */
class Reader {
  readonly cells: Cell[] = [];
  settled: number;
  readonly #text: string;
  readonly #before: string;
  readonly #growing: boolean;
  readonly #codeEnds = new Map<number, number>();

  constructor(text: string, { before = "", growing = false }: InlineOptions) {
    this.#text = text;
    this.#before = before;
    this.#growing = growing;
    this.settled = text.length - (TAIL.exec(text)?.[0].length ?? 0);
  }

  read(from: number, frame: Frame): void {
    const text = this.#text;
    for (let at = from; at < frame.end;) {
      const one = text[at]!;
      const next = one === "\\" && at + 1 < frame.end && PUNCTUATION.test(text[at + 1]!)
        ? this.#put(text[at + 1]!, { ...frame, start: at }, at + 2)
        : one === "`"
        ? this.#code(at, frame)
        : one === "*" || one === "_" || one === "~"
        ? this.#emphasis(at, frame)
        : one === "[" || one === "!" || one === "<"
        ? this.#link(at, frame)
        : undefined;
      at = next ?? this.#plain(at, frame);
    }
  }

  /** Text up to where something may begin. */
  #plain(at: number, frame: Frame): number {
    let end = at + 1;
    while (end < frame.end && !/[\\`*_~[!<]/.test(this.#text[end]!)) end++;
    return this.#put(this.#text.slice(at, end), { ...frame, start: at }, end);
  }

  #put(text: string, { marks, inside, start }: Omit<Frame, "end"> & { start: number }, next: number): number {
    for (const cell of toCells(text, { marks, inside, start })) this.cells.push(cell);
    return next;
  }

  #code(at: number, frame: Frame): number | undefined {
    const fence = this.#run(at);
    let end = this.#codeEnd(at, frame.end);
    if (end === undefined) {
      if (!this.#mayClose(at, frame.end) || !this.#growing) {
        return this.#put(fence, { ...frame, start: at }, at + fence.length);
      }
      end = frame.end;
    } else this.#touches(end + fence.length, at);
    const content = this.#text.slice(at + fence.length, end);
    const inner = /^ .*\S.* $/.test(content) ? 1 : 0;
    const style = { marks: frame.marks | MARK.cyan, inside: true, start: at + fence.length + inner };
    return this.#put(content.slice(inner, content.length - inner), style, Math.min(end + fence.length, frame.end));
  }

  /** Where the signs are that close the code that begins at `at`. */
  #codeEnd(at: number, limit: number): number | undefined {
    const size = this.#run(at).length;
    const known = this.#codeEnds.get(at);
    const end = known ?? this.#findCodeEnd(at, size);
    // Many marks may look past the same code.
    if (known === undefined) this.#codeEnds.set(at, end);
    return end + size <= limit ? end : undefined;
  }

  #findCodeEnd(at: number, size: number): number {
    const end = Math.min(this.#text.length, at + REACH);
    for (let place = at + size; place < end;) {
      if (this.#text[place] !== "`") place++;
      else {
        const run = this.#run(place).length;
        if (run === size) return place;
        place += run;
      }
    }
    return Infinity;
  }

  /** The signs of the same kind from `at` on. */
  #run(at: number): string {
    let end = at + 1;
    while (this.#text[end] === this.#text[at]) end++;
    return this.#text.slice(at, end);
  }

  #emphasis(at: number, frame: Frame): number | undefined {
    const text = this.#text;
    const sign = text[at]!;
    let size = 1;
    while (text[at + size] === sign && at + size < frame.end) size++;
    const before = at > 0 ? text[at - 1]! : this.#before;
    const opens = size <= 3 && (sign !== "~" || size === 2) && /\S/.test(text[at + size] ?? " ") &&
      at + size < frame.end && !(sign === "_" && WORD.test(before));
    if (!opens) return this.#put(text.slice(at, at + size), { ...frame, start: at }, at + size);
    const mark = sign === "~" ? MARK.strike : (size & 1 ? MARK.italic : 0) | (size & 2 ? MARK.bold : 0);
    let end = this.#closer(at, { sign, size, frame });
    if (end === undefined) {
      if (!this.#mayClose(at, frame.end) || !this.#growing) {
        return this.#put(text.slice(at, at + size), { ...frame, start: at }, at + size);
      }
      end = frame.end;
    } else this.#touches(end + size, at);
    this.read(at + size, { end, marks: frame.marks | mark, inside: true });
    return Math.min(end + size, frame.end);
  }

  /** Where the signs are that close what begins at `at`. */
  #closer(at: number, { sign, size, frame }: { sign: string; size: number; frame: Frame }): number | undefined {
    const text = this.#text;
    const limit = this.#limit(at, frame);
    for (let place = at + size; place < limit;) {
      if (text[place] === "\\") place += 2;
      else if (text[place] === "`") {
        const { length } = this.#run(place);
        const end = this.#codeEnd(place, frame.end);
        // What looks closed now may turn out to be code.
        if (end === undefined && this.#mayClose(place, frame.end)) this.settled = Math.min(this.settled, at);
        place = (end ?? place) + length;
      } else if (text[place] === sign) {
        let run = 1;
        while (text[place + run] === sign && place + run < limit) run++;
        const fits = run === size || run >= 3;
        const closes = /\S/.test(text[place - 1]!) && !(sign === "_" && WORD.test(text[place + run] ?? ""));
        if (fits && run >= size && closes) return place + run - size;
        place += run;
      } else place++;
    }
    return undefined;
  }

  #link(at: number, frame: Frame): number | undefined {
    const text = this.#text;
    const auto = AUTOLINK.exec(text.slice(at, this.#limit(at, frame)));
    if (auto) {
      const style = { marks: frame.marks | MARK.underline, inside: true, start: at + 1 };
      return this.#put(auto[1]!, style, at + auto[0].length);
    }
    const open = text[at] === "!" ? at + 1 : at;
    if (text[open] !== "[" || open >= frame.end) return undefined;
    const limit = this.#limit(at, frame);
    let depth = 0;
    let close = open;
    for (; close < limit; close++) {
      if (text[close] === "\\") close++;
      else if (text[close] === "[") depth++;
      else if (text[close] === "]" && --depth === 0) break;
    }
    const found = close < limit && LINK_END.exec(text.slice(close, limit));
    if (!found) {
      if (close >= limit || close + 1 >= text.length || text[close + 1] === "(") this.#mayClose(at, frame.end);
      return undefined;
    }
    this.read(open + 1, { end: close, marks: frame.marks | MARK.underline, inside: true });
    const target = found[1] ?? found[2] ?? "";
    const end = close + found[0].length;
    // Where it leads is always seen: words can lie about it.
    const shown = target === text.slice(open + 1, close) || target === "" ? "" : ` (${target})`;
    return this.#put(shown, { marks: frame.marks | MARK.dim, inside: true, start: close }, end);
  }

  #limit(at: number, frame: Frame): number {
    return Math.min(frame.end, at + REACH);
  }

  /** Whether more text could still close what begins at `at`; if so, it isn't settled. */
  #mayClose(at: number, end: number): boolean {
    if (end < this.#text.length || at + REACH <= this.#text.length) return false;
    this.settled = Math.min(this.settled, at);
    return true;
  }

  /** What closes at the very end may yet turn out to be something else. */
  #touches(end: number, at: number): void {
    if (end >= this.#text.length) this.settled = Math.min(this.settled, at);
  }
}

/** Reads `text`, a line of Markdown without what makes it a heading, an item or a quote. */
export function parseInline(text: string, options: InlineOptions = {}): Inline {
  const reader = new Reader(text, options);
  reader.read(0, { end: text.length, marks: options.marks ?? 0, inside: false });
  return { cells: reader.cells, settled: reader.settled };
}
