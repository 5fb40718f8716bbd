/**
 * One program's questions, answered one after the other.
 *
 * @module
 */
import { type Clock, sleep } from "../../kit/clock.ts";
import { PERMISSION } from "../../domain/policy.ts";
import type { AccessQuestion, Decision } from "../../ports/sandbox.ts";
import type { Answer } from "./broker_messages.ts";
import { decide, type Surroundings } from "./decide.ts";
import { Pace } from "./pace.ts";
import type { Question, Rules, Ruling } from "./rules.ts";
import { Tally } from "./tally.ts";

/** Where a session tells what happens. */
export interface SessionListener {
  denied(words: string): void;
  counted(decisions: Decision[]): void;
  tampered(words: string): void;
  ask(access: AccessQuestion): Promise<Answer>;
}

/** What a session needs of the world. */
export interface SessionDeps {
  clock: Clock;
  /** How the process that calls itself `pid` sees its files. */
  around(pid: number): Surroundings;
}

/** The longest question: a path, spelled in JSON. */
const MAX_LINE = 32_768;
/** More questions than that are answered late, so that a flood costs the program, and not us. */
const QUESTIONS = { per_second: 2000, reserve: 20_000 };
/** More denials than that are counted, and not told. */
const DENIALS = { per_second: 20, reserve: 50 };
const MOST_DECISIONS = 1000;
const COUNT_EVERY_MS = 250;

/** See the module. */
export class BrokerSession {
  readonly #rules: Rules;
  readonly #listener: SessionListener;
  readonly #deps: SessionDeps;
  readonly #tally = new Tally(MOST_DECISIONS);
  readonly #questions: Pace;
  readonly #denials: Pace;
  #asked = 0;
  #pid: number | undefined;
  #news = false;

  constructor({ rules, listener, deps }: { rules: Rules; listener: SessionListener; deps: SessionDeps }) {
    this.#rules = rules;
    this.#listener = listener;
    this.#deps = deps;
    const now = deps.clock.now();
    this.#questions = new Pace({ ...QUESTIONS, now });
    this.#denials = new Pace({ ...DENIALS, now });
  }

  /** What was asked so far. */
  decisions(): Decision[] {
    return this.#tally.list();
  }

  /** Answers until the program has ended, or `signal` aborts. */
  async serve(connection: Deno.Conn, signal: AbortSignal): Promise<void> {
    using _timer = this.#deps.clock.every(COUNT_EVERY_MS, () => this.#tell());
    const close = () => connection.close();
    signal.addEventListener("abort", close, { once: true });
    try {
      await this.#answerAll(connection, signal);
    } catch (error) {
      // A closed connection is the end of the program, whoever closed it.
      if (!signal.aborted && !isClosed(error)) throw error;
    } finally {
      signal.removeEventListener("abort", close);
      if (!signal.aborted) close();
    }
  }

  async #answerAll(connection: Deno.Conn, signal: AbortSignal): Promise<void> {
    const decoder = new TextDecoder();
    const encoder = new TextEncoder();
    const buffer = new Uint8Array(MAX_LINE);
    let text = "";
    for (;;) {
      const count = await connection.read(buffer);
      if (count === null) return;
      text += decoder.decode(buffer.subarray(0, count), { stream: true });
      const end = text.indexOf("\n");
      if (end < 0 && text.length < MAX_LINE) continue;
      // Deno waits for an answer before it asks again, and counts. Whatever differs was written by the program itself.
      const question = end === text.length - 1 ? this.#read(text) : undefined;
      if (question === undefined) return this.#listener.tampered(this.#tampering());
      text = "";
      const answer = await this.#answer(question, signal);
      await writeAll(connection, encoder.encode(`${JSON.stringify(answer)}\n`));
    }
  }

  #read(line: string): Question | undefined {
    let question: Question;
    try {
      question = JSON.parse(line);
    } catch {
      return undefined;
    }
    if (typeof question !== "object" || question === null) return undefined;
    const { id, pid, permission, value } = question;
    this.#pid ??= pid;
    if (id !== this.#asked + 1 || pid !== this.#pid || !PERMISSION.includes(permission)) return undefined;
    if (value !== null && typeof value !== "string") return undefined;
    this.#asked = id;
    return question;
  }

  #tampering(): string {
    return `The program of the server "${this.#rules.server}" interfered with its own permissions, and was ended`;
  }

  async #answer(question: Question, signal: AbortSignal): Promise<{ id: number; result: string; reason?: string }> {
    const late = this.#questions.take(this.#deps.clock.now());
    if (late > 0) await sleep(this.#deps.clock, late, signal);
    const ruled = decide(this.#rules, question, this.#deps.around(question.pid));
    const ruling = ruled instanceof Promise ? await ruled : ruled;
    const answer = await this.#decided(ruling);
    if (ruling.value !== "") this.#count(ruling, answer.allow);
    if (answer.allow) return { id: question.id, result: "allow" };
    if (this.#denials.take(this.#deps.clock.now()) === 0) this.#listener.denied(answer.words);
    return { id: question.id, result: "deny", reason: answer.words };
  }

  async #decided({ verdict, permission, value, words }: Ruling): Promise<Answer> {
    if (verdict === "ask") return await this.#listener.ask({ permission, value, words });
    return verdict === "allow" ? { allow: true } : { allow: false, words };
  }

  #count({ permission, value }: Ruling, allowed: boolean): void {
    const first = this.#tally.count({ permission, value, allowed });
    this.#news = true;
    // The first of its kind at once, so that what is told of a denial is also among the decisions.
    if (first && !allowed) this.#tell();
  }

  #tell(): void {
    if (!this.#news) return;
    this.#news = false;
    this.#listener.counted(this.decisions());
  }
}

function isClosed(error: unknown): boolean {
  return error instanceof Deno.errors.BrokenPipe || error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted;
}

async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}
