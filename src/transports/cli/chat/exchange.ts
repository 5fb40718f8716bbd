/**
 * One message and its answer: what is heard, decided and stopped in between.
 *
 * @module
 */
import { AppError } from "../../../domain/error.ts";
import type { Answer } from "../../../domain/run.ts";
import { type Clock, systemClock } from "../../../kit/clock.ts";
import { createId } from "../../../kit/id.ts";
import { agentChatStream, chatStream } from "../../../operations/chat.ts";
import { runCancel, toolCallDecide } from "../../../operations/runs.ts";
import type { Connection } from "../connection.ts";
import type { Drawer } from "./drawer.ts";
import { followRun } from "./follow.ts";
import { toDuration } from "./phrases.ts";
import { Story, type ToldCall } from "./story.ts";

/** What to do about a call that waits. */
export interface Decision {
  decision: "approve" | "deny";
  arguments?: Record<string, unknown>;
  reason?: string;
}

/** Decides about a call. `cancel`: rather stop the whole answer; `leave`: it stays open. */
export type Decide = (call: ToldCall, signal: AbortSignal) => Promise<Decision | "cancel" | "leave" | "withdrawn">;

/** What to say, and to whom. */
export interface Message {
  text: string;
  agent_id?: string | undefined;
  conversation_id?: string | undefined;
  user_id?: string | undefined;
}

/** How it went. `waiting` and `left`: the run is not over. */
export type Outcome = { kind: "answered"; answer: Answer; story: Story } | { kind: "waiting" | "left"; story: Story };

/** What an {@linkcode Exchange} needs. */
export interface ExchangeOptions {
  connection: Connection;
  drawer: Drawer;
  /** Absent: nobody is there to decide. */
  decide?: Decide | undefined;
  /** The same for what a tool's server asks in the middle of a call. */
  reply?: Decide | undefined;
  /** The command's: stops everything. */
  signal: AbortSignal;
  /** How long to look for a server that does not answer, in milliseconds. */
  patience: { once_begun_ms: number; before_ms: number };
  clock?: Clock;
}

/** A second Ctrl-C this soon means: leave. */
const TWICE_MS = 2000;

/** See the module. */
export class Exchange {
  readonly #options: ExchangeOptions;
  readonly #message: Message;
  readonly #clock: Clock;
  readonly #story = new Story();
  readonly #leave = new AbortController();
  /** Withdraws the question that is open, by its call. */
  readonly #questions = new Map<string, AbortController>();
  #cancelled: number | null = null;
  #deciding: Promise<void> = Promise.resolve();
  #failure: unknown;

  constructor(message: Message, options: ExchangeOptions) {
    this.#message = message;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** What is known of it so far. */
  get story(): Story {
    return this.#story;
  }

  /** Whether somebody wanted it to end. */
  get stopping(): boolean {
    return this.#cancelled !== null;
  }

  /** Ctrl-C: the first one stops the run and waits for its end, a second soon after leaves. */
  interrupt(): void {
    const now = this.#clock.now();
    if (this.#cancelled !== null) {
      if (now - this.#cancelled < TWICE_MS) this.#leave.abort();
      this.#cancelled = now;
      return;
    }
    this.#cancelled = now;
    this.#options.drawer.status("Stopping; Ctrl-C again leaves at once");
    if (this.#story.run_id !== undefined) this.#cancel();
  }

  /** Says it and shows the answer to its end. */
  async run(): Promise<Outcome> {
    const story = this.#story;
    const { drawer, signal } = this.#options;
    try {
      for await (const item of this.#follow(AbortSignal.any([signal, this.#leave.signal]))) {
        const known = story.run_id !== undefined;
        drawer.item(item);
        for (const part of story.tell(item)) {
          if (part.kind === "ended") drawer.status(null);
          if (part.kind === "decided" || part.kind === "result") this.#withdraw(part.call.id);
          drawer.draw(part);
          if (part.kind !== "waiting" && part.kind !== "asked") continue;
          const calls = part.kind === "waiting" ? part.calls : [part.call];
          if (calls.some((call) => !this.#deciderOf(call))) return { kind: "waiting", story };
          // A person is asked one thing at a time.
          this.#deciding = this.#deciding.then(() => this.#decideAll(calls)).catch((error) => {
            this.#failure = error;
            this.#leave.abort();
          });
        }
        if (!known && story.run_id !== undefined && this.#cancelled !== null) this.#cancel();
      }
    } catch (thrown) {
      drawer.status(null);
      drawer.rest();
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#leave.signal.aborted) return { kind: "left", story };
      throw thrown;
    } finally {
      for (const id of [...this.#questions.keys()]) this.#withdraw(id);
      await this.#deciding;
    }
    if (!story.answer) return { kind: "left", story };
    return { kind: "answered", answer: story.answer, story };
  }

  #follow(signal: AbortSignal) {
    const { connection, drawer, patience } = this.#options;
    const { text: message, agent_id, conversation_id, user_id } = this.#message;
    const common = {
      message,
      ...conversation_id !== undefined && { conversation_id },
      ...user_id !== undefined && { user_id },
    };
    // Asked again after a break it is the same run, not another one.
    const idempotency_key = createId("chat");
    const { gateway, visit } = connection;
    return followRun({
      connection,
      user_id,
      signal,
      clock: this.#clock,
      patience,
      start: () => {
        const caller = visit({ signal, idempotency_key });
        return agent_id === undefined
          ? gateway.stream(chatStream, () => common, caller)
          : gateway.stream(agentChatStream, () => ({ ...common, agent_id }), caller);
      },
      onLost: (error) => {
        const ms = this.#story.run_id === undefined ? patience.before_ms : patience.once_begun_ms;
        const why = error ? ` (${error.message})` : "";
        drawer.status(`The connection is lost; trying for ${toDuration(ms)} to get it back${why}`);
      },
      onBack: () => drawer.status(null),
    });
  }

  #user(): { user_id?: string } {
    const { user_id } = this.#message;
    return user_id === undefined ? {} : { user_id };
  }

  #cancel(): void {
    const { connection: { gateway, visit } } = this.#options;
    const input = { run_id: this.#story.run_id!, reason: "stopped in the chat", ...this.#user() };
    const signal = AbortSignal.any([this.#leave.signal, this.#options.signal]);
    gateway.call(runCancel, () => input, visit({ signal })).catch((thrown) => {
      // It may just have ended by itself, and then its events say so.
      if (signal.aborted || (thrown instanceof AppError && thrown.name === "ConflictError")) return;
      this.#failure = thrown;
      this.#leave.abort();
    });
  }

  #withdraw(id: string): void {
    this.#questions.get(id)?.abort();
    this.#questions.delete(id);
  }

  #deciderOf({ question }: ToldCall): Decide | undefined {
    return question ? this.#options.reply : this.#options.decide;
  }

  async #decideAll(calls: readonly ToldCall[]): Promise<void> {
    for (const call of calls) {
      if (!this.#story.asked.some(({ id }) => id === call.id)) continue;
      const withdrawn = new AbortController();
      this.#questions.set(call.id, withdrawn);
      const decided = await this.#deciderOf(call)!(call, withdrawn.signal);
      this.#questions.delete(call.id);
      if (decided === "withdrawn") continue;
      if (decided === "cancel") return this.interrupt();
      if (decided === "leave") return this.#leave.abort();
      await this.#tell(call, decided);
    }
  }

  async #tell(call: ToldCall, decision: Decision): Promise<void> {
    const { connection: { gateway, visit }, drawer } = this.#options;
    const input = { run_id: this.#story.run_id!, tool_call_id: call.id, ...decision, ...this.#user() };
    try {
      await gateway.call(toolCallDecide, () => input, visit());
    } catch (thrown) {
      if (!(thrown instanceof AppError)) throw thrown;
      drawer.note(thrown.message);
      // What the tool does not take can be asked for again; anything else is over.
      if (thrown.name === "ValidationError") return await this.#decideAll([call]);
      // It is decided already, or will be by somebody who may.
      if (thrown.name !== "ConflictError" && thrown.name !== "ForbiddenError") throw thrown;
    }
  }
}
