/**
 * An answer on a terminal, as it comes.
 *
 * @module
 */
import type { Answer } from "../../../domain/run.ts";
import type { Drawer } from "./drawer.ts";
import { MARK, type Paint } from "./ink.ts";
import { Markdown } from "./markdown.ts";
import { Paper } from "./paper.ts";
import { toCall, toDuration, toEnding, toShort, toSources, toUsage } from "./phrases.ts";
import { toSafeLine } from "./safe_text.ts";
import type { Part } from "./story.ts";

/** Options for {@linkcode TerminalDrawer}. */
export interface TerminalDrawerOptions {
  out(text: string): void;
  columns(): number;
  rows(): number;
  paint: Paint;
  /** Gets a line about what is going on where the standard error is somewhere else. */
  aside?: ((line: string) => void) | undefined;
  /** Whether to show what the model thinks. */
  reasoning: boolean;
  /** Whether to show text before it is complete. */
  stream: boolean;
}

const SIGN = "┊ ";

/** Text of one kind and one step. */
interface Section {
  kind: "text" | "reasoning";
  step_id: string;
  markdown: Markdown;
}

/** Draws Markdown while it is written, and around it what the agent does. */
export class TerminalDrawer implements Drawer {
  readonly #options: TerminalDrawerOptions;
  readonly #paper: Paper;
  #section: Section | null = null;
  #status: string[] = [];
  /** What the last lines were: between different things there is an empty line. */
  #above: "nothing" | "text" | "reasoning" | "work" = "nothing";

  constructor(options: TerminalDrawerOptions) {
    this.#options = options;
    this.#paper = new Paper(options);
  }

  item(): void {}

  draw(part: Part): void {
    switch (part.kind) {
      case "text":
        return this.#write("text", part.step_id, part.text);
      case "reasoning":
        return this.#options.reasoning ? this.#write("reasoning", part.step_id, part.text) : undefined;
      case "restarted":
        return this.#work(`↻ The server lost this answer and begins it anew (attempt ${part.attempt})`, MARK.dim);
      case "replaced":
        this.#work("↻ The answer was replaced by", MARK.dim);
        return this.#write("text", "replaced", part.text);
      case "queued":
        return this.#work("… Waits for an answer before it in this conversation", MARK.dim);
      case "called":
        return this.#work(`⚙ ${toCall(part.call, this.#room())}`, MARK.cyan);
      case "result": {
        const { call, result, error, duration_ms } = part;
        const head = `${toShort(call.tool, 64)} ${toDuration(duration_ms)}`;
        const room = this.#room() - head.length - 1;
        return error
          ? this.#work(`✗ ${head} ${toShort(error.message, room)}`, MARK.red)
          : this.#work(`✓ ${head} ${toShort(result, room)}`, MARK.dim);
      }
      case "decided": {
        const why = part.reason ? `: ${toShort(part.reason, 200)}` : "";
        const verb = part.approved ? "✓ Approved" : "✗ Denied";
        return this.#work(`${verb} by ${toShort(part.by, 40)}${why}`, part.approved ? MARK.dim : MARK.red);
      }
      case "handoff":
        return this.#work(`→ ${toShort(part.from, 40)} hands over to ${toShort(part.to, 40)}`, MARK.cyan);
      case "waiting":
      case "asked":
        return this.rest();
      case "ended":
        return this.#end(part);
    }
  }

  note(text: string): void {
    this.#work(toSafeLine(text), MARK.dim);
  }

  /** Below what is being written, so that the writing can go on as if nothing had happened. */
  status(text: string | null): void {
    if (text !== null) this.#options.aside?.(text);
    this.#status = text === null ? [] : [this.#options.paint(`⟳ ${toShort(text, this.#room())}`, MARK.dim)];
    this.#show([], this.#section && this.#options.stream ? this.#section.markdown.preview() : []);
  }

  rest(): void {
    if (!this.#section) return;
    const { markdown } = this.#section;
    markdown.end();
    this.#section = null;
    this.#show(markdown.take());
  }

  finish(_: Answer): void {
    this.rest();
    this.#above = "nothing";
  }

  /** Writes to its section, whose Markdown holds what is not yet complete. */
  #write(kind: "text" | "reasoning", step_id: string, text: string): void {
    if (this.#section?.kind !== kind || this.#section.step_id !== step_id) {
      this.rest();
      if (this.#above !== "nothing") this.#put([""]);
      this.#above = kind;
      this.#section = { kind, step_id, markdown: this.#markdown(kind) };
    }
    const { markdown } = this.#section;
    markdown.push(text);
    if (this.#options.stream) this.#show(markdown.take(), markdown.preview());
  }

  #markdown(kind: "text" | "reasoning"): Markdown {
    const { paint, columns } = this.#options;
    // The last column stays free: what is written there makes some terminals break the line.
    if (kind === "text") return new Markdown({ width: () => columns() - 1, paint });
    const dim: Paint = (text, marks) => paint(text, (marks & ~MARK.cyan) | MARK.dim);
    return new Markdown({ width: () => columns() - 1 - SIGN.length, paint: dim });
  }

  #show(lines: readonly string[], growing: readonly string[] = []): void {
    const sign = this.#above === "reasoning" ? this.#options.paint(SIGN, MARK.dim) : "";
    const dress = (line: string) => {
      if (sign === "") return line;
      // Text between the marks is dim, too.
      return sign + this.#options.paint(line, line.includes("\x1b") ? 0 : MARK.dim);
    };
    this.#put(lines.map(dress), growing.map(dress));
  }

  #put(lines: readonly string[], growing: readonly string[] = []): void {
    this.#paper.show(lines, [...growing, ...this.#status]);
  }

  #work(line: string, marks: number): void {
    this.rest();
    this.#put([
      ...this.#above === "text" || this.#above === "reasoning" ? [""] : [],
      this.#options.paint(line, marks),
    ]);
    this.#above = "work";
  }

  #end(part: Part & { kind: "ended" }): void {
    this.rest();
    const { paint } = this.#options;
    const { message, status, usage } = part.answer;
    const sources = message ? toSources(message) : [];
    const ending = toEnding(part);
    const blocks = [
      sources.map((line) => paint(line, MARK.dim)),
      ending === undefined ? [] : [paint(ending, status === "failed" ? MARK.red : MARK.dim)],
      [paint(toUsage(usage, part), MARK.dim)],
    ].filter((lines) => lines.length > 0);
    for (const lines of blocks) {
      this.#put([...this.#above === "nothing" ? [] : [""], ...lines]);
      this.#above = "work";
    }
  }

  #room(): number {
    return Math.max(20, this.#options.columns() - 4);
  }
}
