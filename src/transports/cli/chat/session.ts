/**
 * A conversation at the keys: message after message, and a few commands.
 *
 * @module
 */
import { AppError } from "../../../domain/error.ts";
import { agentList } from "../../../operations/agents.ts";
import { conversationGet } from "../../../operations/conversations.ts";
import type { Connection } from "../connection.ts";
import { toExitCode } from "../exit.ts";
import { UsageError } from "../given.ts";
import { askPerson } from "./approve.ts";
import type { Drawer } from "./drawer.ts";
import { Exchange, type ExchangeOptions, type Message } from "./exchange.ts";
import { MARK, type Paint } from "./ink.ts";
import { Keyboard } from "./keyboard.ts";
import { LostRun } from "./follow.ts";
import { toShort } from "./phrases.ts";
import { answerQuestions } from "./question_form.ts";
import { toSafeLine } from "./safe_text.ts";
import type { Terminal } from "../terminal.ts";

/** What a {@linkcode Session} needs. */
export interface SessionOptions {
  connection: Connection;
  terminal: Terminal;
  drawer: Drawer;
  paint: Paint;
  /** With whom, where and for whom; changed by commands. */
  to: Omit<Message, "text">;
  signal: AbortSignal;
  patience: ExchangeOptions["patience"];
}

const HELP = `  /new            begin another conversation
  /agent [ID]     talk with another agent; without ID: who there is
  /run            the run and the conversation of the last answer
  /help           this
  /quit           leave; so do Ctrl-D, and Ctrl-C on an empty line
  End a line with \\ to go on in the next. Ctrl-C stops an answer.
  //text says /text.
`;

/** See the module. */
export class Session {
  readonly #options: SessionOptions;
  readonly #history: string[] = [];
  #to: Omit<Message, "text">;
  #exchange: Exchange | null = null;
  #run_id: string | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#to = options.to;
  }

  /** Talks until somebody leaves. Resolves with the exit code. */
  async talk(): Promise<number> {
    const { terminal, paint, signal } = this.#options;
    await this.#greet();
    using keyboard = new Keyboard({ terminal, onInterrupt: () => this.#exchange?.interrupt() });
    for (;;) {
      const prompt = `${paint("›", MARK.bold | MARK.cyan)} `;
      const typed = await keyboard.ask({ prompt, more: "… ", history: this.#history, signal });
      if (typed.kind !== "line") return 0;
      const text = typed.text.trim();
      if (text === "") continue;
      try {
        if (/^\/(?!\/)/.test(text)) {
          if (await this.#command(text)) return 0;
        } else {
          const code = await this.#say(text.replace(/^\/\//, "/"), keyboard);
          if (code !== undefined) return code;
        }
      } catch (thrown) {
        this.#complain(thrown);
      }
      terminal.out("\n");
    }
  }

  async #greet(): Promise<void> {
    const { connection: { gateway, visit, url }, terminal, paint } = this.#options;
    const { conversation_id, agent_id, user_id } = this.#to;
    const where = url === null ? "in this process" : `at ${toSafeLine(url)}`;
    const lines = [`MUXI ${where}${agent_id === undefined ? "" : `, with ${toSafeLine(agent_id)}`} · /help`];
    if (conversation_id !== undefined) {
      const input = { conversation_id, ...user_id !== undefined && { user_id } };
      const found = await gateway.call(conversationGet, () => input, visit());
      if (!("id" in found)) {
        throw new UsageError(`Cannot use --conversation ${conversation_id}: want a conversation's id`);
      }
      const { title, messages = [] } = found;
      const said = messages.filter(({ role }) => role === "user").map(({ content }) => content);
      this.#history.push(...said.reverse());
      lines.push(`${toSafeLine(title ?? conversation_id)}, ${messages.length} messages so far`);
      const last = messages.findLast(({ role }) => role === "assistant");
      if (last) lines.push(toShort(last.content, Math.max(20, terminal.columns() - 2)));
    }
    terminal.out(`${lines.map((line) => paint(line, MARK.dim)).join("\n")}\n\n`);
  }

  /** Says `text`. Resolves with an exit code when somebody left meanwhile. */
  async #say(text: string, keyboard: Keyboard): Promise<number | undefined> {
    const { connection, drawer, terminal, paint, signal, patience } = this.#options;
    const out = (line: string) => terminal.out(line);
    const decide = askPerson({ keyboard, drawer, out, paint });
    terminal.out("\n");
    const reply = answerQuestions({ keyboard, drawer, out, columns: () => terminal.columns(), paint });
    const exchange = new Exchange({ ...this.#to, text }, { connection, drawer, decide, reply, signal, patience });
    this.#exchange = exchange;
    try {
      const outcome = await exchange.run();
      if (outcome.kind === "answered") drawer.finish(outcome.answer);
      else {
        this.#leave();
        return 0;
      }
    } finally {
      this.#exchange = null;
      this.#run_id = exchange.story.run_id ?? this.#run_id;
      const { conversation_id } = exchange.story;
      if (conversation_id !== undefined) this.#to = { ...this.#to, conversation_id };
    }
  }

  #leave(): void {
    const { connection: { url }, terminal, paint } = this.#options;
    const { run_id, last } = this.#exchange!.story;
    if (run_id === undefined) return;
    const how = this.#exchange!.stopping
      ? "It is being stopped"
      : url === null
      ? `It goes on when MUXI starts again with the same data folder`
      : `It goes on; follow it with "muxi runs events ${run_id} --starting-after ${last}"`;
    terminal.out(`${paint(`Left ${toSafeLine(run_id)}. ${how}`, MARK.dim)}\n`);
  }

  #complain(thrown: unknown): void {
    if (!(thrown instanceof AppError) || thrown.name === "InternalError" || this.#options.signal.aborted) throw thrown;
    const { drawer, terminal, paint } = this.#options;
    drawer.rest();
    terminal.err(`${paint(toSafeLine(thrown.message), MARK.red)}\n`);
    if (thrown instanceof LostRun && thrown.run_id !== undefined) {
      const how = `muxi runs events ${toSafeLine(thrown.run_id)} --starting-after ${thrown.last}`;
      terminal.err(`The run may well go on. Follow it with "${how}"\n`);
    } else if (toExitCode(thrown.name) === toExitCode("UnauthorizedError")) throw thrown;
  }

  /** Carries out a command; true to leave. */
  async #command(text: string): Promise<boolean> {
    const { terminal } = this.#options;
    const [name = "", id] = text.slice(1).split(/\s+/);
    switch (name) {
      case "quit":
      case "exit":
      case "q":
        return true;
      case "help":
        terminal.out(HELP);
        return false;
      case "new":
        this.#to = { ...this.#to, conversation_id: undefined };
        terminal.out("  The next message begins another conversation\n");
        return false;
      case "run":
        terminal.out(
          this.#run_id === undefined
            ? "  Nothing was said yet\n"
            : `  ${toSafeLine(this.#run_id)}\n  ${toSafeLine(this.#to.conversation_id ?? "")}\n`,
        );
        return false;
      case "agent":
        if (id === undefined) await this.#agents();
        else {
          this.#to = { ...this.#to, agent_id: id };
          terminal.out(`  ${toSafeLine(id)} answers from now on\n`);
        }
        return false;
      default:
        terminal.out(`  There is no command "/${toSafeLine(name)}"; /help says which there are\n`);
        return false;
    }
  }

  async #agents(): Promise<void> {
    const { connection: { gateway, visit }, terminal, paint } = this.#options;
    const { data } = await gateway.call(agentList, () => ({}), visit());
    for (const { id, name, role } of data) {
      const about = toShort([name, role].filter((word) => word).join(": "), terminal.columns() - id.length - 5);
      terminal.out(`  ${paint(toSafeLine(id), MARK.bold)}  ${about}\n`);
    }
  }
}
