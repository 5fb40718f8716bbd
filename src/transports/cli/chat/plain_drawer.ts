/**
 * An answer for a file or a pipe: the text, and nothing else.
 *
 * @module
 */
import type { Answer } from "../../../domain/run.ts";
import type { Drawer } from "./drawer.ts";
import { toCall, toDuration, toEnding, toShort, toSources, toUsage } from "./phrases.ts";
import { toSafe, toSafeLine } from "./safe_text.ts";
import type { Part } from "./story.ts";

/** Options for {@linkcode PlainDrawer}. */
export interface PlainDrawerOptions {
  out(text: string): void;
  /** Gets a line about what is going on; nothing where nobody watches. */
  aside(line: string): void;
  /** Whether to write text before it is complete. */
  stream: boolean;
}

/** Writes the answer to the output, and what else happens aside. */
export class PlainDrawer implements Drawer {
  readonly #options: PlainDrawerOptions;
  #step = "";
  /** The end of what was written. */
  #end = "\n";
  #text = "";

  constructor(options: PlainDrawerOptions) {
    this.#options = options;
  }

  item(): void {}

  draw(part: Part): void {
    const { aside } = this.#options;
    switch (part.kind) {
      case "text":
        return this.#take(part.step_id, part.text);
      case "replaced":
        aside("The answer was replaced by what follows");
        return this.#take("replaced", part.text);
      case "restarted":
        this.#step = "";
        return aside(`The server lost this answer and begins it anew (attempt ${part.attempt})`);
      case "called":
        return aside(toCall(part.call, 200));
      case "result":
        return aside(
          `${toShort(part.call.tool, 64)} ${toDuration(part.duration_ms)} ${
            toShort(part.error?.message ?? part.result, 200)
          }`,
        );
      case "asked":
        return aside(`${toShort(part.call.tool, 64)} asks: ${toShort(part.question.message, 400)}`);
      case "decided":
        return aside(
          `${toShort(part.call.tool, 64)} ${part.approved ? "approved" : "denied"} by ${toShort(part.by, 40)}`,
        );
      case "ended": {
        const { message, status } = part.answer;
        if (!this.#options.stream && message) this.#put(message.content);
        this.rest();
        const sources = message ? toSources(message) : [];
        if (sources.length > 0) this.#put(`\n${sources.join("\n")}\n`);
        const ending = toEnding(part);
        if (ending !== undefined && status !== "failed") aside(ending);
        aside(toUsage(part.answer.usage, part));
      }
    }
  }

  note(text: string): void {
    this.#options.aside(toSafeLine(text));
  }

  status(text: string | null): void {
    if (text !== null) this.note(text);
  }

  rest(): void {
    this.#flush();
    if (this.#end !== "\n") this.#put("\n");
  }

  finish(_: Answer): void {
    this.rest();
  }

  #take(step_id: string, text: string): void {
    if (!this.#options.stream) return;
    if (this.#step !== step_id && this.#step !== "") {
      this.rest();
      this.#put("\n");
    }
    this.#step = step_id;
    // Half a character may come alone: its other half follows.
    const all = this.#text + text;
    const whole = /[\ud800-\udbff\r]$/.test(all) ? all.slice(0, -1) : all;
    this.#text = all.slice(whole.length);
    this.#put(whole);
  }

  #flush(): void {
    const text = this.#text;
    this.#text = "";
    this.#put(text);
  }

  #put(text: string): void {
    if (text === "") return;
    this.#options.out(toSafe(text.replaceAll("\r\n", "\n")));
    this.#end = text.at(-1)!;
  }
}
