/**
 * The lower end of a terminal, on which an answer grows.
 *
 * @module
 */

/** Options for {@linkcode Paper}. */
export interface PaperOptions {
  out(text: string): void;
  /** How many lines the screen has. */
  rows(): number;
}

/** Lines that stay, and below them some that are still changing. Only what differs is written. */
export class Paper {
  readonly #options: PaperOptions;
  /** Shown below, the cursor at the end of the last. */
  #growing: string[] = [];

  constructor(options: PaperOptions) {
    this.#options = options;
  }

  /** Adds `lines` for good, and shows `growing` below them in place of what was there. */
  show(lines: readonly string[], growing: readonly string[] = []): void {
    // What has left the screen could not be drawn again.
    const tail = growing.slice(-Math.max(1, this.#options.rows() - 2));
    const next = lines.map((line) => `${line}\n`).join("") + tail.join("\n");
    const shown = this.#growing.join("\n");
    if (next.startsWith(shown)) this.#write(next.slice(shown.length));
    else {
      const wanted = next.split("\n");
      let same = 0;
      while (same < Math.min(this.#growing.length, wanted.length) - 1 && wanted[same] === this.#growing[same]) same++;
      const up = this.#growing.length - 1 - same;
      // Written over and then cleared behind, which does not flicker.
      this.#write(`\r${up > 0 ? `\x1b[${up}A` : ""}${wanted.slice(same).join("\x1b[K\n")}\x1b[J`);
    }
    this.#growing = tail;
  }

  #write(text: string): void {
    if (text !== "") this.#options.out(text);
  }
}
