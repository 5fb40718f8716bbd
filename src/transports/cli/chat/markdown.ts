/**
 * Markdown on a terminal, while it is being written.
 *
 * Line by line, as people and models write it: a line that is complete is shown for good and never touched again; of the
 * line that is still growing the part that can't change any more is, too. The rest can be drawn anew each time. However
 * the text is cut into pieces, the same lines come of it. (A parser of whole documents would have to draw whole blocks
 * again and again: what has left the screen can't be drawn again.) So lines of a paragraph are not joined.
 *
 * @module
 */
import { classify, isUndecided, openLine, toItem } from "./block_line.ts";
import { MARK, type Paint } from "./ink.ts";
import { type Cell, parseInline, toCells } from "./inline.ts";
import { toSafe } from "./safe_text.ts";
import { type Columns, isDelimiter, toColumns, toParts, toRecord, toRow, toRuler } from "./table.ts";
import { cutTo, widthOf } from "./text_width.ts";
import { chopCells, paintCells, wrapCells } from "./wrap.ts";

/** After so many rows the columns of a table are decided. */
const TABLE_ROWS = 30;
const LEAST_WIDTH = 10;

/** What stands before a line. */
interface Prefix {
  text: string;
  width: number;
}

/** Text in the making, whose kind is known. */
interface Flow {
  first: Prefix;
  rest: Prefix;
  marks: number;
  code: boolean;
  text: string;
  /** The character before `text`. */
  before: string;
}

interface Table {
  quotes: number;
  prefix: Prefix;
  /** The head, the line below it, and rows that are not shown yet. */
  lines: readonly string[];
  /** Decided once rows were shown. */
  columns?: Columns | null;
}

/** Where the text is. Replaced, never changed, so that a look ahead can be taken back. */
interface State {
  /** Items that are open, outermost first. */
  items: readonly { indent: number; content: number; pad: number }[];
  quotes: number;
  fence: { sign: string; indent: number; prefix: Prefix } | null;
  table: Table | null;
  /** How deep the empty line is quoted that comes before the next one; null for none. */
  gap: number | null;
  /** Whether the line before was empty. */
  blank: boolean;
  /** Whether anything was shown. */
  begun: boolean;
}

const START: State = { items: [], quotes: 0, fence: null, table: null, gap: null, blank: false, begun: false };

/** Options for {@linkcode Markdown}. */
export interface MarkdownOptions {
  /** How many cells a line may take. */
  width: () => number;
  paint: Paint;
}

/** See the module. */
export class Markdown {
  readonly #width: () => number;
  readonly #paint: Paint;
  #state = START;
  #open = "";
  #flow: Flow | null = null;
  #lines: string[] = [];

  constructor({ width, paint }: MarkdownOptions) {
    this.#width = width;
    this.#paint = paint;
  }

  /** Takes the next piece of text, cut anywhere. */
  push(text: string): void {
    this.#open += text;
    for (let end; (end = this.#open.indexOf("\n")) >= 0;) {
      const line = this.#open.slice(0, end).replace(/\r$/, "");
      this.#open = this.#open.slice(end + 1);
      this.#finish(line);
    }
    this.#settle();
  }

  /** Says that nothing comes any more. */
  end(): void {
    if (this.#open !== "" || this.#flow) this.#finish(this.#open);
    this.#open = "";
    this.#close();
  }

  /** The lines that are there for good since the last time. */
  take(): string[] {
    return this.#lines.splice(0);
  }

  /** What comes after them for now, and may still change. */
  preview(): string[] {
    const { table } = this.#state;
    if (this.#flow) return this.#toLines({ ...this.#flow, text: this.#flow.text + this.#open }, true);
    if (this.#open === "" && !table) return [];
    const saved = { state: this.#state, lines: this.#lines };
    this.#lines = [];
    if (isShowable(this.#open, this.#state)) this.#block(this.#open, true);
    this.#flush();
    const shown = this.#lines;
    this.#state = saved.state;
    this.#lines = saved.lines;
    return shown;
  }

  #finish(line: string): void {
    const flow = this.#flow;
    if (!flow) return this.#block(line, false);
    this.#flow = null;
    this.#lines.push(...this.#toLines({ ...flow, text: flow.text + line }));
  }

  /** Shows for good what can't change of the line that is growing. */
  #settle(): void {
    const width = this.#width();
    if (!this.#flow) {
      if (this.#open.length * 2 <= width) return;
      this.#flow = this.#begin();
      if (!this.#flow) return;
    }
    const flow = this.#flow;
    flow.text += this.#open;
    this.#open = "";
    const { cells, settled } = this.#read(flow, false);
    const lines = this.#part(cells.filter((cell) => cell.start < settled), flow);
    for (let last = lines.length - 1; last > 0; last--) {
      const next = lines[last]![0];
      if (!next || next.inside) continue;
      for (const [i, line] of lines.slice(0, last).entries()) this.#lines.push(this.#draw(line, flow, i === 0));
      this.#flow = {
        ...flow,
        first: flow.rest,
        text: flow.text.slice(next.start),
        before: flow.text[next.start - 1] ?? "",
      };
      return;
    }
  }

  /** The line that is growing, once it is sure what it is. */
  #begin(): Flow | null {
    const { fence, table } = this.#state;
    const line = this.#open;
    if (fence) {
      if (/^\s*(`*|~*)\s*$/.test(line)) return null;
      this.#open = "";
      return this.#toCode(line);
    }
    const { rest } = openLine(line);
    const block = classify(rest);
    if (table || isUndecided(rest) || (block.kind !== "text" && block.kind !== "item")) return null;
    if (block.kind === "item" && isUndecided(block.text)) return null;
    this.#open = "";
    return this.#toFlow(line);
  }

  #block(line: string, growing: boolean): void {
    const { fence, table } = this.#state;
    if (fence) return this.#inFence(line, growing);
    const { rest, quotes } = openLine(line);
    const block = classify(rest);
    if (table && !this.#inTable(rest, quotes)) this.#flush();
    else if (table) return;
    switch (block.kind) {
      case "blank":
        this.#state = { ...this.#state, blank: true };
        return this.#gap(quotes);
      case "rule": {
        const prefix = this.#enter(line);
        this.#gap();
        this.#emit(prefix.text + this.#paint("─".repeat(Math.min(40, this.#room(prefix))), MARK.dim));
        return this.#gap();
      }
      case "fence":
        return this.#openFence(line, block);
      case "row": {
        const prefix = this.#enter(line);
        this.#state = { ...this.#state, table: { quotes, prefix, lines: [rest] }, blank: false };
        return;
      }
      case "heading":
        this.#gap();
    }
    const flow = this.#toFlow(line);
    this.#lines.push(...this.#toLines(flow, growing));
    if (block.kind === "heading") this.#gap();
  }

  /** What a line of text or an item is, and where it stands. */
  #toFlow(line: string): Flow {
    const { indent, rest } = openLine(line);
    const block = classify(rest);
    if (block.kind === "item") {
      const above = this.#state.items.filter((item) => item.content <= indent);
      const pad = above.at(-1)?.pad ?? 0;
      const [sign, text] = toItem(block, above.length);
      const outer = this.#enter(line);
      const width = widthOf(sign) + 1;
      // However deep the items, there is room for their text.
      const item = {
        indent,
        content: indent + Math.min(block.content, 5),
        pad: Math.min(pad + width, this.#width() >> 2),
      };
      this.#state = { ...this.#state, items: [...above, item] };
      const first = { text: `${outer.text}${this.#paint(sign, MARK.cyan)} `, width: outer.width + width };
      return this.#start(first, { text: outer.text + " ".repeat(width), width: outer.width + width }, { text });
    }
    const prefix = this.#enter(line);
    if (block.kind !== "heading") return this.#start(prefix, prefix, { text: rest });
    const marks = MARK.bold | (block.level <= 2 ? MARK.cyan : 0) | (block.level === 1 ? MARK.underline : 0);
    return this.#start(prefix, prefix, { text: block.text, marks });
  }

  #start(first: Prefix, rest: Prefix, { text, marks = 0, code = false }: Partial<Flow>): Flow {
    this.#separate();
    return { first, rest, text: text ?? "", marks, code, before: "" };
  }

  /** Finds out what a line belongs to; what stands before its text. */
  #enter(line: string): Prefix {
    const { quotes, indent, rest } = openLine(line);
    const { items, blank, quotes: before } = this.#state;
    const isItem = classify(rest).kind === "item";
    // Text right below an item belongs to it however it is indented.
    const lazy = !blank && classify(rest).kind === "text" && items.length > 0;
    const kept = quotes !== before ? [] : items.filter((item) => item.content <= indent || (lazy && !isItem));
    this.#state = { ...this.#state, items: kept, quotes };
    const { text, width } = this.#quote(quotes);
    const pad = kept.at(-1)?.pad ?? 0;
    return { text: text + " ".repeat(pad), width: width + pad };
  }

  #quote(quotes: number): Prefix {
    const shown = Math.min(quotes, Math.floor(this.#width() / 6));
    return { text: `${this.#paint("▌", MARK.dim)} `.repeat(shown), width: shown * 2 };
  }

  #openFence(line: string, { fence, language }: { fence: string; language: string }): void {
    const { indent } = openLine(line);
    const outer = this.#enter(line);
    if (this.#state.items.length === 0) this.#gap();
    const prefix = { text: `${outer.text}${this.#paint("│", MARK.dim)} `, width: outer.width + 2 };
    const title = cutTo(toSafe(`╭─ ${language}`.trim()), this.#room(outer));
    this.#emit(outer.text + this.#paint(title, MARK.dim));
    this.#state = { ...this.#state, fence: { sign: fence, indent, prefix } };
  }

  #inFence(line: string, growing: boolean): void {
    const { sign } = this.#state.fence!;
    const inner = line.trim().replace(/^(> ?)+/, "");
    if (inner.length >= sign.length && inner === sign[0]!.repeat(inner.length)) {
      return growing ? undefined : this.#closeFence();
    }
    this.#lines.push(...this.#toLines(this.#toCode(line)));
  }

  #toCode(line: string): Flow {
    const { prefix, indent } = this.#state.fence!;
    let text = line;
    for (let quotes = this.#state.quotes; quotes > 0; quotes--) text = text.replace(/^ {0,3}> ?/, "");
    text = text.replace(new RegExp(`^ {0,${indent}}`), "");
    return this.#start(prefix, prefix, { text, code: true });
  }

  #closeFence(): void {
    const { prefix } = this.#state.fence!;
    this.#state = { ...this.#state, fence: null };
    this.#emit(prefix.text.replace("│", "╰─").trimEnd());
    if (this.#state.items.length === 0) this.#gap();
  }

  /** Adds a line to the table; false when it isn't one of it. */
  #inTable(rest: string, quotes: number): boolean {
    const table = this.#state.table!;
    const [head = "", delimiter] = table.lines;
    const fits = delimiter === undefined
      ? isDelimiter(rest) && toParts(rest).length === toParts(head).length
      : rest.includes("|");
    if (!fits || quotes !== table.quotes) return false;
    this.#state = { ...this.#state, table: { ...table, lines: [...table.lines, rest] } };
    if (table.columns !== undefined || table.lines.length + 1 >= TABLE_ROWS) this.#showRows();
    return true;
  }

  /** Ends a table, or what only looked like one. */
  #flush(): void {
    const { table } = this.#state;
    if (!table) return;
    if (table.lines.length > 1) {
      this.#showRows();
      this.#state = { ...this.#state, table: null };
      return this.#gap();
    }
    this.#state = { ...this.#state, table: null };
    this.#lines.push(...this.#toLines(this.#start(table.prefix, table.prefix, { text: table.lines[0]! })));
  }

  #showRows(): void {
    const table = this.#state.table!;
    const [head = "", delimiter = "", ...rows] = table.lines;
    const { prefix } = table;
    const paint = this.#paint;
    const room = this.#room(prefix);
    const names = toParts(head);
    const parts = rows.map(toParts);
    const columns = table.columns === undefined ? toColumns([names, ...parts], delimiter, room) : table.columns;
    if (table.columns === undefined) {
      this.#gap();
      if (columns) {
        for (const line of [...toRow(names, columns, paint, MARK.bold), toRuler(columns, paint)]) {
          this.#emit(prefix.text + line);
        }
      }
    }
    for (const [i, row] of parts.entries()) {
      if (!columns && (i > 0 || table.columns === null)) this.#gap();
      const lines = columns ? toRow(row, columns, paint) : toRecord(row, names, room, paint);
      for (const line of lines) this.#emit(prefix.text + line);
    }
    this.#state = { ...this.#state, table: { ...table, lines: [head, delimiter], columns } };
  }

  /** Wants an empty line before whatever comes next. */
  #gap(quotes = this.#state.quotes): void {
    if (this.#state.begun) this.#state = { ...this.#state, gap: Math.min(quotes, this.#state.gap ?? quotes) };
  }

  /** Shows the empty line that is wanted: a line follows. */
  #separate(): void {
    const { gap, quotes } = this.#state;
    if (gap !== null) this.#lines.push(this.#quote(Math.min(gap, quotes)).text.trimEnd());
    this.#state = { ...this.#state, gap: null, blank: false, begun: true };
  }

  #emit(line: string): void {
    this.#separate();
    this.#lines.push(line);
  }

  #close(): void {
    this.#flush();
    if (this.#state.fence) this.#closeFence();
    this.#state = { ...this.#state, items: [], quotes: 0, blank: true };
    this.#gap();
  }

  #room({ width }: Prefix): number {
    return Math.max(LEAST_WIDTH, this.#width() - width);
  }

  #read(flow: Flow, growing: boolean): { cells: Cell[]; settled: number } {
    const { text, marks, before, code } = flow;
    if (!code) return parseInline(text, { marks, before, growing });
    const cells = [...toCells(text, { marks, inside: false, start: 0 })];
    return { cells, settled: text.length - (/[\ud800-\udbff]$/.test(text) ? 1 : 0) };
  }

  #part(cells: readonly Cell[], { first, code }: Flow): Cell[][] {
    return (code ? chopCells : wrapCells)(cells, this.#room(first));
  }

  #draw(line: readonly Cell[], { first, rest }: Flow, isFirst: boolean): string {
    return (isFirst ? first : rest).text + paintCells(line, this.#paint);
  }

  #toLines(flow: Flow, growing = false): string[] {
    return this.#part(this.#read(flow, growing).cells, flow).map((line, i) => this.#draw(line, flow, i === 0));
  }
}

/** Whether there is anything to see of a line that is just beginning. */
function isShowable(line: string, { fence }: State): boolean {
  if (fence) return true;
  const { rest } = openLine(line);
  return rest !== "" && !/^(?:[-*_ \t]+|#+|\d{1,9}[.)]?|[`~]+.*)$/.test(rest);
}
