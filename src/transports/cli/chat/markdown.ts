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
import { Blocks } from "./blocks.ts";
import { type Flow, type Page, settle, toLines } from "./flow.ts";

/** See the module. */
export class Markdown {
  readonly #page: Page;
  readonly #blocks: Blocks;
  /** What came of the line that is growing, while its kind is not known; then what came since. */
  #open = "";
  /** The line that is growing, once its kind is known. */
  #flow: Flow | null = null;

  constructor(page: Page) {
    this.#page = page;
    this.#blocks = new Blocks(page);
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
    this.#blocks.end();
  }

  /** The lines that are there for good since the last time. */
  take(): string[] {
    return this.#blocks.take();
  }

  /** What comes after them for now, and may still change. */
  preview(): string[] {
    const flow = this.#flow;
    if (!flow) return this.#blocks.preview(this.#open);
    return toLines({ ...flow, text: flow.text + this.#open }, this.#page, { growing: true });
  }

  #finish(line: string): void {
    const flow = this.#flow;
    if (!flow) return this.#blocks.add(line);
    this.#flow = null;
    this.#blocks.show(toLines({ ...flow, text: flow.text + line }, this.#page));
  }

  /** Shows for good what can't change of the line that is growing. */
  #settle(): void {
    if (this.#flow) this.#flow = { ...this.#flow, text: this.#flow.text + this.#open };
    else if (this.#open.length * 2 > this.#page.width()) this.#flow = this.#blocks.begin(this.#open);
    if (!this.#flow) return;
    this.#open = "";
    const settled = settle(this.#flow, this.#page);
    if (!settled) return;
    this.#blocks.show(settled.lines);
    this.#flow = settled.rest;
  }
}
