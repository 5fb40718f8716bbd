/**
 * What each line of Markdown belongs to (an item, a quote, a fence, a table), and how it is shown there.
 *
 * @module
 */
import { classify, isUndecided, openLine, toItem } from "./block_line.ts";
import { type Flow, type Page, type Prefix, roomBehind, toLines } from "./flow.ts";
import { addRow, type GrowingTable, isDecided, isOnlyHead, takeRows } from "./growing_table.ts";
import { MARK } from "./ink.ts";
import { toSafe } from "./safe_text.ts";
import { cutTo, widthOf } from "./text_width.ts";

/** Where the text is. Replaced, never changed, so that a look ahead can be taken back. */
interface State {
  /** Items that are open, outermost first. */
  items: readonly { indent: number; content: number; pad: number }[];
  quotes: number;
  fence: { sign: string; indent: number; prefix: Prefix } | null;
  table: GrowingTable | null;
  /** How deep the empty line is quoted that comes before the next one; null for none. */
  gap: number | null;
  /** Whether the line before was empty. */
  blank: boolean;
  /** Whether anything was shown. */
  begun: boolean;
}

const START: State = { items: [], quotes: 0, fence: null, table: null, gap: null, blank: false, begun: false };

/** Takes lines, and keeps what is shown of them until it is taken. */
export class Blocks {
  readonly #page: Page;
  #state = START;
  #lines: string[] = [];

  constructor(page: Page) {
    this.#page = page;
  }

  /** Adds a line that is complete. */
  add(line: string): void {
    this.#block(line, false);
  }

  /** Adds what is shown of a line that was begun with {@linkcode begin}. */
  show(lines: readonly string[]): void {
    this.#lines.push(...lines);
  }

  /** What was shown since the last time. */
  take(): string[] {
    return this.#lines.splice(0);
  }

  /** Begins a line that is still growing, once it is sure what it is; null before. */
  begin(line: string): Flow | null {
    const { fence, table } = this.#state;
    if (fence) return /^\s*(`*|~*)\s*$/.test(line) ? null : this.#toCode(line);
    const { rest } = openLine(line);
    const block = classify(rest);
    if (table || isUndecided(rest) || (block.kind !== "text" && block.kind !== "item")) return null;
    if (block.kind === "item" && isUndecided(block.text)) return null;
    return this.#toFlow(line);
  }

  /** What would be shown if `line`, which is still growing, were all there is. */
  preview(line: string): string[] {
    const saved = { state: this.#state, lines: this.#lines };
    if (line === "" && !saved.state.table) return [];
    this.#lines = [];
    if (isShowable(line, this.#state)) this.#block(line, true);
    this.#flush();
    const shown = this.#lines;
    this.#state = saved.state;
    this.#lines = saved.lines;
    return shown;
  }

  /** Closes everything: what comes next is another text. */
  end(): void {
    this.#flush();
    if (this.#state.fence) this.#closeFence();
    this.#state = { ...this.#state, items: [], quotes: 0, blank: true };
    this.#gap();
  }

  #block(line: string, growing: boolean): void {
    const { fence, table } = this.#state;
    if (fence) return this.#inFence(line, growing);
    const { rest, quotes } = openLine(line);
    const block = classify(rest);
    if (table && !this.#inTable(table, rest, quotes)) this.#flush();
    else if (table) return;
    switch (block.kind) {
      case "blank":
        this.#state = { ...this.#state, blank: true };
        return this.#gap(quotes);
      case "rule": {
        const prefix = this.#enter(line);
        this.#gap();
        const rule = "─".repeat(Math.min(40, roomBehind(prefix, this.#page)));
        this.#emit(prefix.text + this.#page.paint(rule, MARK.dim));
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
    this.#lines.push(...toLines(flow, this.#page, { growing }));
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
        pad: Math.min(pad + width, this.#page.width() >> 2),
      };
      this.#state = { ...this.#state, items: [...above, item] };
      const first = { text: `${outer.text}${this.#page.paint(sign, MARK.cyan)} `, width: outer.width + width };
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
    const shown = Math.min(quotes, Math.floor(this.#page.width() / 6));
    return { text: `${this.#page.paint("▌", MARK.dim)} `.repeat(shown), width: shown * 2 };
  }

  #openFence(line: string, { fence, language }: { fence: string; language: string }): void {
    const { indent } = openLine(line);
    const outer = this.#enter(line);
    if (this.#state.items.length === 0) this.#gap();
    const prefix = { text: `${outer.text}${this.#page.paint("│", MARK.dim)} `, width: outer.width + 2 };
    const title = cutTo(toSafe(`╭─ ${language}`.trim()), roomBehind(outer, this.#page));
    this.#emit(outer.text + this.#page.paint(title, MARK.dim));
    this.#state = { ...this.#state, fence: { sign: fence, indent, prefix } };
  }

  #inFence(line: string, growing: boolean): void {
    const { sign } = this.#state.fence!;
    const inner = line.trim().replace(/^(> ?)+/, "");
    if (inner.length >= sign.length && inner === sign[0]!.repeat(inner.length)) {
      return growing ? undefined : this.#closeFence();
    }
    this.#lines.push(...toLines(this.#toCode(line), this.#page));
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
  #inTable(table: GrowingTable, rest: string, quotes: number): boolean {
    const added = addRow(table, rest, quotes);
    if (!added) return false;
    this.#state = { ...this.#state, table: added };
    if (isDecided(added)) this.#showRows(added);
    return true;
  }

  /** Ends a table, or what only looked like one. */
  #flush(): void {
    const { table } = this.#state;
    if (!table) return;
    const { prefix, lines: [head = ""] } = table;
    if (!isOnlyHead(table)) this.#showRows(table);
    this.#state = { ...this.#state, table: null };
    if (!isOnlyHead(table)) return this.#gap();
    this.#lines.push(...toLines(this.#start(prefix, prefix, { text: head }), this.#page));
  }

  #showRows(table: GrowingTable): void {
    const { groups, rest } = takeRows(table, this.#page);
    for (const lines of groups) {
      if (!table.columns) this.#gap();
      for (const line of lines) this.#emit(line);
    }
    this.#state = { ...this.#state, table: rest };
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
}

/** Whether there is anything to see of a line that is just beginning. */
function isShowable(line: string, { fence }: State): boolean {
  if (fence) return true;
  const { rest } = openLine(line);
  return rest !== "" && !/^(?:[-*_ \t]+|#+|\d{1,9}[.)]?|[`~]+.*)$/.test(rest);
}
