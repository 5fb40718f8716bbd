/**
 * A terminal's screen, as far as the chat uses one: what a person would see, and what scrolled away above.
 *
 * Knows what the program may send, and fails at anything else, so that nothing hostile gets through unseen.
 *
 * @module
 */
import { graphemesOf, graphemeWidth } from "../../src/transports/cli/chat/text_width.ts";

/** Colours, moves and modes the program itself sends. */
// deno-lint-ignore no-control-regex -- that is what they are made of
const ORDER = /^\x1b\[(\??)([\d;]*)([A-Za-z])/;

/** See the module. */
export class Screen {
  readonly #columns: number;
  readonly #rows: number;
  /** Every line there ever was, the screen's at the end. A wide character has an empty cell behind it. */
  #lines: string[][] = [[]];
  /** The line of the screen's top. */
  #top = 0;
  #x = 0;
  #y = 0;

  constructor({ columns, rows }: { columns: number; rows: number }) {
    this.#columns = columns;
    this.#rows = rows;
  }

  /** Takes what the program writes. */
  write(text: string): void {
    for (let rest = text; rest !== "";) {
      const order = ORDER.exec(rest);
      if (order) this.#obey(order[1]!, order[2]!, order[3]!);
      else if (rest[0] === "\n") this.#newLine();
      else if (rest[0] === "\r") this.#x = 0;
      // deno-lint-ignore no-control-regex -- anything else of the kind is a fault
      else if (/^[\x00-\x1f\x7f-\x9f]/.test(rest)) {
        throw new Error(`Hostile output: ${JSON.stringify(rest.slice(0, 40))}`);
      }
      // deno-lint-ignore no-control-regex -- the text in between
      const size = order ? order[0].length : /^[^\x00-\x1f\x7f-\x9f]+/.exec(rest)?.[0].length ?? 0;
      if (!order) this.#put(rest.slice(0, size));
      rest = rest.slice(Math.max(1, size));
    }
  }

  /** The lines, what has scrolled away included, without spaces at the end and empty ones at the bottom. */
  lines(): string[] {
    const lines = this.#lines.map((cells) => cells.join("").trimEnd());
    while (lines.at(-1) === "") lines.pop();
    return lines;
  }

  #put(text: string): void {
    for (const grapheme of graphemesOf(text)) {
      const width = graphemeWidth(grapheme);
      if (this.#x + width > this.#columns) {
        this.#newLine();
        this.#x = 0;
      }
      const line = this.#lines[this.#y]!;
      while (line.length < this.#x) line.push(" ");
      line.splice(this.#x, width, grapheme, ...width === 2 ? [""] : []);
      this.#x += width;
    }
  }

  /** The terminal's driver adds the return. */
  #newLine(): void {
    this.#x = 0;
    this.#y++;
    if (this.#y >= this.#lines.length) this.#lines.push([]);
    if (this.#y - this.#top >= this.#rows) this.#top = this.#y - this.#rows + 1;
  }

  #obey(mark: string, given: string, name: string): void {
    const count = Number(given.split(";")[0] || 1);
    if (mark === "?" && (name === "h" || name === "l")) return;
    switch (name) {
      case "m":
        return;
      case "A":
        this.#y = Math.max(this.#top, this.#y - count);
        return;
      case "B":
        this.#y = Math.min(this.#top + this.#rows - 1, this.#y + count);
        return;
      case "C":
        this.#x = Math.min(this.#columns - 1, this.#x + count);
        return;
      case "D":
        this.#x = Math.max(0, this.#x - count);
        return;
      case "G":
        this.#x = count - 1;
        return;
      case "J":
        this.#lines.length = this.#y + 1;
        this.#lines[this.#y]!.length = Math.min(this.#lines[this.#y]!.length, this.#x);
        return;
      case "K":
        this.#lines[this.#y]!.length = Math.min(this.#lines[this.#y]!.length, this.#x);
        return;
      default:
        throw new Error(`Hostile output: an order "${name}"`);
    }
  }
}
