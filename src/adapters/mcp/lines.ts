/**
 * Lines of bytes that come in pieces.
 *
 * @module
 */

/** A line that is longer than allowed. */
export class LineTooLong extends Error {
  override readonly name = "LineTooLong";
}

/** Takes bytes however they are cut, and gives whole lines, without their ends. */
export class LineReader {
  readonly #decoder = new TextDecoder();
  readonly #limit: number;
  #parts: string[] = [];
  #length = 0;

  /** `limit` is the most characters of a line. */
  constructor({ limit }: { limit: number }) {
    this.#limit = limit;
  }

  /** The lines that are whole with what came next. Throws {@linkcode LineTooLong}. */
  *push(chunk: Uint8Array): Generator<string> {
    const text = this.#decoder.decode(chunk, { stream: true });
    let from = 0;
    for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", from)) {
      this.#keep(text.slice(from, end));
      // A long line comes in many pieces: joined once, it costs no more than it is long.
      const line = this.#parts.length === 1 ? this.#parts[0]! : this.#parts.join("");
      this.#parts = [];
      this.#length = 0;
      from = end + 1;
      yield line;
    }
    if (from < text.length) this.#keep(text.slice(from));
  }

  #keep(part: string): void {
    this.#parts.push(part);
    this.#length += part.length;
    if (this.#length > this.#limit) throw new LineTooLong(`A line is longer than ${this.#limit} characters`);
  }
}
