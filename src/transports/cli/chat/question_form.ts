/**
 * A tool server's question as a form: one field after the other, then all of it once more before it goes.
 *
 * @module
 */
import type { PersonQuestion } from "../../../domain/run.ts";
import type { Drawer } from "./drawer.ts";
import type { Decide, Decision } from "./exchange.ts";
import { type Choice, type Field, FieldError, toFields } from "./form_field.ts";
import { MARK, type Paint } from "./ink.ts";
import { toCells } from "./inline.ts";
import type { Keyboard, Typed } from "./keyboard.ts";
import { toShort } from "./phrases.ts";
import { toSafeJson, toSafeLine } from "./safe_text.ts";
import type { ToldCall } from "./story.ts";
import { paintCells, wrapCells } from "./wrap.ts";

/** What {@linkcode answerQuestions} needs. */
export interface QuestionFormOptions {
  keyboard: Keyboard;
  drawer: Pick<Drawer, "rest">;
  out(text: string): void;
  columns(): number;
  paint: Paint;
}

type Answers = Record<string, unknown>;
/** What was said instead of an answer. */
type Instead = Exclude<Awaited<ReturnType<Decide>>, Decision> | "decline";

const INSTEAD: Readonly<Record<Exclude<Typed["kind"], "line">, Instead>> = {
  interrupt: "cancel",
  end: "leave",
  withdrawn: "withdrawn",
};
/** More choices than these are not shown. */
const MAX_CHOICES = 50;
const HELP = "Enter takes what stands in brackets; /back goes back, /decline says no, Ctrl-C stops the answer";

/** Shows each question and asks until there is an answer. */
export function answerQuestions(options: QuestionFormOptions): Decide {
  const form = new QuestionForm(options);
  return (call, signal) => form.answer(call, call.question!, signal);
}

/** Says no where nobody is there to answer. */
export function declineQuestions(): Decide {
  return () => Promise.resolve({ decision: "deny", reason: "nobody is there to answer" });
}

class QuestionForm {
  readonly #options: QuestionFormOptions;
  /** What was answered before, where the server's schema doesn't take it. */
  readonly #earlier = new WeakMap<ToldCall, Answers>();

  constructor(options: QuestionFormOptions) {
    this.#options = options;
  }

  async answer(call: ToldCall, question: PersonQuestion, signal: AbortSignal): ReturnType<Decide> {
    const fields = toFields(question.schema ?? {});
    this.#options.drawer.rest();
    this.#tell(`\n${this.#options.paint("?", MARK.bold | MARK.cyan)} ${toSafeLine(call.tool)} asks`);
    for (const line of question.message.trim().split("\n")) this.#write(line);
    const answer = question.url !== undefined
      ? await this.#visit(question.url, signal)
      : fields.length > 0
      ? await this.#fillIn(call, fields, signal)
      : await this.#consent(signal);
    return answer === "decline" ? { decision: "deny" } : answer;
  }

  /** A yes or no. */
  async #consent(signal: AbortSignal): Promise<Decision | Instead> {
    const word = await this.#pick("Accept or decline? [a/d]", ["accept", "decline"], signal);
    return word === "accept" ? { decision: "approve", arguments: {} } : word;
  }

  /** An address, which is opened by nobody but the person. */
  async #visit(url: string, signal: AbortSignal): Promise<Decision | Instead> {
    const { paint } = this.#options;
    const host = URL.parse(url)?.host ?? "";
    this.#tell(`  ${paint(toSafeLine(url), MARK.cyan)}\n  Its host is ${paint(toSafeLine(host), MARK.bold)}`);
    const prompt = "Open it in a browser, if you trust it. Done, or decline? [done/d]";
    const word = await this.#pick(prompt, ["decline", "done"], signal);
    return word === "done" ? { decision: "approve", arguments: {} } : word;
  }

  async #fillIn(call: ToldCall, fields: readonly Field[], signal: AbortSignal): Promise<Decision | Instead> {
    this.#write(HELP, MARK.dim);
    for (;;) {
      const filled = await this.#ask(fields, this.#earlier.get(call) ?? {}, signal);
      if (typeof filled === "string") return filled;
      const { answers } = filled;
      this.#earlier.set(call, answers);
      this.#tell("");
      for (const field of fields) {
        const { name, title } = field;
        if (Object.hasOwn(answers, name)) this.#tell(`  ${this.#title(title)}: ${shownIn(field, answers[name])}`);
      }
      const word = await this.#pick("Send, change or decline? [s/c/d]", ["send", "change", "decline"], signal);
      if (word === "send") return { decision: "approve", arguments: answers };
      if (word !== "change") return word;
    }
  }

  /** Asks for every field. */
  async #ask(fields: readonly Field[], before: Answers, signal: AbortSignal): Promise<{ answers: Answers } | Instead> {
    const answers = new Map(Object.entries(before));
    for (let at = 0; at < fields.length;) {
      const field = fields[at]!;
      const { name, type, preset, required } = field;
      const present = answers.get(name) ?? preset;
      const state = present !== undefined ? ` [${toShort(shownIn(field, present), 60)}]` : required ? "" : " [nothing]";
      this.#describe(field);
      const said = await this.#line(`${type}${state}:`, signal);
      if (typeof said === "string") return said;
      if (said.text === "/decline") return "decline";
      if (said.text === "/back") at = Math.max(0, at - 1);
      else {
        try {
          const value = said.text === "" ? present : field.read(said.text);
          if (value === undefined && required) throw new FieldError("This one is needed");
          if (value !== undefined) answers.set(name, value);
          at++;
        } catch (error) {
          if (!(error instanceof FieldError)) throw error;
          this.#write(toSafeLine(error.message), MARK.red);
        }
      }
    }
    return { answers: Object.fromEntries(answers) };
  }

  #describe({ title, description, choices = [] }: Field): void {
    this.#tell(`\n  ${this.#title(title)}`);
    if (description !== "") this.#write(toSafeLine(description));
    const width = Math.max(20, this.#options.columns() - 8);
    const shown = choices.slice(0, MAX_CHOICES).map((choice, i) => `   ${i + 1}  ${toShort(toWords(choice), width)}`);
    const rest = choices.length - shown.length;
    for (const line of [...shown, ...rest > 0 ? [`   … and ${rest} more`] : []]) this.#tell(line);
  }

  #title(text: string): string {
    return this.#options.paint(toShort(text, 60), MARK.bold);
  }

  /** Indented text of anybody's. */
  #write(text: string, marks = 0): void {
    const cells = [...toCells(text, { marks, inside: false, start: 0 })];
    const lines = wrapCells(cells, Math.max(20, this.#options.columns() - 3));
    for (const line of lines) this.#tell(`  ${paintCells(line, this.#options.paint)}`);
  }

  #tell(line: string): void {
    this.#options.out(`${line}\n`);
  }

  async #line(prompt: string, signal: AbortSignal): Promise<{ text: string } | Instead> {
    const typed = await this.#options.keyboard.ask({ prompt: `  ${prompt} `, signal });
    return typed.kind === "line" ? { text: typed.text.trim() } : INSTEAD[typed.kind];
  }

  /** One of `words`, by how it begins. */
  async #pick<W extends string>(prompt: string, words: readonly W[], signal: AbortSignal): Promise<W | Instead> {
    for (;;) {
      const said = await this.#line(prompt, signal);
      if (typeof said === "string") return said;
      const word = said.text.toLowerCase().replace(/^\//, "");
      const found = word === "" ? undefined : words.find((one) => one.startsWith(word));
      if (found) return found;
    }
  }
}

function toWords({ value, title }: Choice): string {
  return title === String(value) ? title : `${title} (${value})`;
}

/** A value as the person knows it. */
function shownIn({ choices = [] }: Pick<Field, "choices">, value: unknown): string {
  if (Array.isArray(value) && choices.length > 0) return value.map((one) => shownIn({ choices }, one)).join(", ");
  const chosen = choices.find((choice) => choice.value === value);
  if (chosen) return toSafeLine(chosen.title);
  if (typeof value === "boolean") return value ? "yes" : "no";
  return typeof value === "string" ? toSafeLine(value) : toSafeJson(value);
}
