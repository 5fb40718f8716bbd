/**
 * Reads server-sent events from bytes, however they are cut.
 *
 * @module
 */

/** The most one event may hold, in characters. */
export const MAX_EVENT = 4 * 1024 * 1024;

/** Thrown for an event longer than {@linkcode MAX_EVENT}. */
export class EventTooLong extends Error {
  override readonly name = "EventTooLong";
}

/**
 * Takes bytes, gives the data of each event. Names, ids, retries and comments are skipped. Lines end with LF or CRLF
 * (a lone CR, which the standard allows and no provider sends, is not taken for an end).
 */
export class SseParser {
  readonly #decoder = new TextDecoder();
  readonly #onData: (data: string) => void;
  readonly #limit: number;
  #rest = "";
  #data: string | null = null;

  constructor(onData: (data: string) => void, { limit = MAX_EVENT }: { limit?: number } = {}) {
    this.#onData = onData;
    this.#limit = limit;
  }

  /** Takes what came next. Throws {@linkcode EventTooLong}. */
  push(chunk: Uint8Array): void {
    const text = this.#decoder.decode(chunk, { stream: true });
    const known = this.#rest.length;
    const all = known === 0 ? text : this.#rest + text;
    let from = 0;
    // What was there before had no line end, so looking starts behind it.
    let end = all.indexOf("\n", known);
    while (end !== -1) {
      this.#line(all, from, all.charCodeAt(end - 1) === 13 && end > from ? end - 1 : end);
      from = end + 1;
      end = all.indexOf("\n", from);
    }
    this.#rest = from === 0 ? all : all.slice(from);
    if (this.#rest.length + (this.#data?.length ?? 0) > this.#limit) {
      throw new EventTooLong(`An event is longer than ${this.#limit} characters`);
    }
  }

  /** The stream has ended: gives an event that no empty line closed. */
  end(): void {
    const rest = this.#rest + this.#decoder.decode();
    this.#rest = "";
    if (rest !== "") this.#line(rest, 0, rest.endsWith("\r") ? rest.length - 1 : rest.length);
    this.#line("", 0, 0);
  }

  #line(text: string, start: number, end: number): void {
    if (start === end) {
      if (this.#data !== null) {
        const data = this.#data;
        this.#data = null;
        this.#onData(data);
      }
      return;
    }
    if (!text.startsWith("data", start)) return;
    let from = start + 4;
    if (from < end) {
      if (text.charCodeAt(from) !== 58) return;
      from++;
      if (text.charCodeAt(from) === 32) from++;
    }
    const value = text.slice(from, Math.max(from, end));
    this.#data = this.#data === null ? value : `${this.#data}\n${value}`;
  }
}
