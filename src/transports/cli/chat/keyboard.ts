/**
 * A person at the keys: lines with editing and history, and Ctrl-C at any time.
 *
 * The terminal gives keys one by one for as long as this is open, so that nothing that is typed during an answer is
 * drawn into it; it waits for the next question instead.
 *
 * @module
 */
import { createInterface } from "node:readline";
import { PassThrough, Writable } from "node:stream";
import type { Terminal } from "../terminal.ts";

/** What came of a question. */
export type Typed = { kind: "line"; text: string } | { kind: "interrupt" | "end" | "withdrawn" };

/** Options for {@linkcode Keyboard.ask}. */
export interface AskOptions {
  /** Stands before the line. */
  prompt: string;
  /** Stands before a further line, after a `\` at the end of one. Without it a question has one line. */
  more?: string;
  /** What the line begins with. */
  filled?: string;
  /** Earlier lines, newest first; what is typed is added. */
  history?: string[];
  /** Withdraws the question. */
  signal?: AbortSignal;
}

/** More than this is not kept of what is typed while nobody asks. */
const TYPED_AHEAD = 65_536;
const HISTORY = 200;
/** Keys that may end a line. */
// deno-lint-ignore no-control-regex -- these are the keys
const ENDING = /[\r\n\x03\x04]$/;
const CTRL_C = "\x03";
const PASTE = { begin: "\x1b[200~", end: "\x1b[201~" };
/** Asks the terminal to say what is pasted, or not to. */
const PASTE_MODE = { on: "\x1b[?2004h", off: "\x1b[?2004l" };
/** Stands for a line's end in pasted text while it is edited. */
const LINE_END = "⏎";

/** See the module. */
export class Keyboard implements Disposable {
  readonly #terminal: Terminal;
  readonly #onInterrupt: () => void;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #interrupts: Disposable;
  /** Typed and not yet taken. */
  #ahead = "";
  #ended = false;
  /** Takes what is typed while a question is open. */
  #take: (() => void) | null = null;
  #closed = false;

  /** `onInterrupt` hears Ctrl-C while no question is open. */
  constructor({ terminal, onInterrupt }: { terminal: Terminal; onInterrupt(): void }) {
    this.#terminal = terminal;
    this.#onInterrupt = onInterrupt;
    this.#reader = terminal.input().getReader();
    this.#interrupts = terminal.onInterrupt(() => this.#press(CTRL_C));
    terminal.setRaw(true);
    this.#listen().catch(() => {}).finally(() => {
      this.#ended = true;
      this.#take?.();
    });
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#interrupts[Symbol.dispose]();
    this.#terminal.setRaw(false);
    this.#reader.cancel().catch(() => {});
  }

  /** Asks for a line. */
  async ask(options: AskOptions): Promise<Typed> {
    const lines: string[] = [];
    for (let { prompt, filled = "" } = options;; prompt = options.more!, filled = "") {
      const typed = await this.#line({ ...options, prompt, filled });
      if (typed.kind !== "line") return typed;
      const goesOn = options.more !== undefined && typed.text.endsWith("\\");
      lines.push(goesOn ? typed.text.slice(0, -1) : typed.text);
      if (!goesOn) return { kind: "line", text: lines.join("\n") };
    }
  }

  async #listen(): Promise<void> {
    const decoder = new TextDecoder();
    for (;;) {
      const { done, value } = await this.#reader.read();
      if (done || this.#closed) return;
      this.#press(decoder.decode(value, { stream: true }));
    }
  }

  #press(keys: string): void {
    const inside = this.#ahead.lastIndexOf(PASTE.begin) > this.#ahead.lastIndexOf(PASTE.end);
    if (!this.#take && keys.includes(CTRL_C) && !inside) {
      // Who stops an answer starts anew: what was typed before is not meant for the next question.
      this.#ahead = "";
      return this.#onInterrupt();
    }
    this.#ahead = (this.#ahead + keys).slice(-TYPED_AHEAD);
    this.#take?.();
  }

  /** The next keys up to the end of a line; a paste counts as text, whatever is in it. */
  #next(): string {
    const begin = this.#ahead.indexOf(PASTE.begin);
    // deno-lint-ignore no-control-regex -- these are the keys
    const end = this.#ahead.search(/[\r\n\x03\x04]/);
    if (begin < 0 || (end >= 0 && end < begin)) {
      // Half of a mark may have come.
      // deno-lint-ignore no-control-regex -- these are the keys
      const partial = end < 0 ? /\x1b(?:\[(?:2(?:0(?:0)?)?)?)?$/.exec(this.#ahead)?.[0].length ?? 0 : 0;
      const length = end < 0 ? this.#ahead.length - (partial > 1 ? partial : 0) : end + 1;
      return this.#cut(length);
    }
    if (begin > 0) return this.#cut(begin);
    const close = this.#ahead.indexOf(PASTE.end);
    if (close < 0) return "";
    const pasted = this.#cut(close + PASTE.end.length).slice(PASTE.begin.length, -PASTE.end.length);
    // deno-lint-ignore no-control-regex -- a paste is text, not keys
    return pasted.replaceAll(/\r\n|\r|\n/g, LINE_END).replaceAll("\t", "    ").replaceAll(/[\x00-\x1f\x7f-\x9f]/g, "");
  }

  #cut(length: number): string {
    const keys = this.#ahead.slice(0, length);
    this.#ahead = this.#ahead.slice(length);
    return keys;
  }

  #line({ prompt, filled = "", history = [], signal }: AskOptions): Promise<Typed> {
    const terminal = this.#terminal;
    const { promise, resolve } = Promise.withResolvers<Typed>();
    if (signal?.aborted) return Promise.resolve({ kind: "withdrawn" });
    const input = new PassThrough();
    const output = Object.assign(
      new Writable({
        write(chunk: Uint8Array, _encoding, done) {
          terminal.out(new TextDecoder().decode(chunk));
          done();
        },
      }),
      { columns: terminal.columns(), isTTY: true },
    );
    const lines = createInterface({
      input,
      output,
      terminal: true,
      history: [...history],
      historySize: HISTORY,
      prompt,
    });
    const resized = terminal.onResize(() => {
      output.columns = terminal.columns();
      output.emit("resize");
    });
    const finish = (typed: Typed) => {
      if (this.#take === null) return;
      this.#take = null;
      resized[Symbol.dispose]();
      signal?.removeEventListener("abort", withdraw);
      lines.close();
      terminal.out(PASTE_MODE.off + (typed.kind === "line" ? "" : "\n"));
      resolve(typed);
    };
    const withdraw = () => finish({ kind: "withdrawn" });
    let held = false;
    this.#take = () => {
      for (let keys; !held && (keys = this.#next()) !== "";) {
        input.write(keys);
        // What comes after it may be for the next question.
        held = ENDING.test(keys);
      }
      if (!held && this.#ended) finish({ kind: "end" });
    };
    input.on("keypress", (_, { sequence }: { sequence?: string }) => {
      if (!ENDING.test(sequence ?? "")) return;
      held = false;
      this.#take?.();
    });
    signal?.addEventListener("abort", withdraw, { once: true });
    lines.on("line", (text) => {
      if (text.trim() !== "" && text !== history[0]) history.unshift(text);
      history.length = Math.min(history.length, HISTORY);
      finish({ kind: "line", text: text.replaceAll(LINE_END, "\n") });
    });
    lines.on("SIGINT", () => {
      // Ctrl-C empties the line first, as in a shell.
      if (lines.line === "") return finish({ kind: "interrupt" });
      lines.write(null, { ctrl: true, name: "e" });
      lines.write(null, { ctrl: true, name: "u" });
    });
    lines.on("close", () => finish({ kind: "end" }));
    terminal.out(PASTE_MODE.on);
    lines.prompt();
    if (filled !== "") lines.write(filled);
    this.#take();
    return promise;
  }
}
