/**
 * A call's place in its conversation: what the caller says starts a run, and what the run says is the answer.
 *
 * @module
 */
import type { Principal } from "../../domain/access.ts";
import { AppError } from "../../domain/error.ts";
import type { RunEvent } from "../../domain/event.ts";
import type { Started } from "../runs/starter.ts";
import type { Runs } from "../runs/runs.ts";
import type { AnswerOptions, Brain, Said } from "../voice/brain.ts";
import type { Terms } from "./terms.ts";

/** What a {@linkcode ConversationLink} needs. */
export interface ConversationLinkDeps {
  runs: Pick<Runs, "start" | "attach">;
  principal: Principal;
  session_id: string;
  agent_id: string;
  /** Null: made with the first words. */
  conversation_id: string | null;
  terms: Terms;
  /** Told when the conversation was made. */
  onConversation(id: string): void;
  /** Told what the log of a run says. */
  onRunEvent(run_id: string, event: RunEvent): void;
}

/** Answers by runs. */
export class ConversationLink implements Brain {
  readonly #deps: ConversationLinkDeps;
  #conversation_id: string | null;
  /** Starts stand in line, so that the first one makes the conversation. */
  #starting: Promise<unknown> = Promise.resolve();

  constructor(deps: ConversationLinkDeps) {
    this.#deps = deps;
    this.#conversation_id = deps.conversation_id;
  }

  async *answer(text: string, { turn_id, delivery, signal }: AnswerOptions): AsyncGenerator<Said> {
    const { runs, terms, onRunEvent } = this.#deps;
    if (text !== "" && !terms.answers) return terms.bring([{ role: "user", content: text, attachments: [] }]);
    const started = await this.#inLine(() => this.#start(text, { turn_id, delivery, signal }));
    const run_id = started.run.id;
    yield { type: "started", run_id };
    for await (const event of await runs.attach(started, signal)) {
      onRunEvent(run_id, event);
      if (event.type === "model.delta") yield { type: "text", text: JSON.parse(event.data).text };
      else if (event.type === "run.waiting") yield { type: "waiting" };
      else if (event.type === "run.failed") throw failureOf(event);
    }
  }

  async #start(content: string, { turn_id, delivery, signal }: AnswerOptions): Promise<Started> {
    signal.throwIfAborted();
    const { runs, principal, session_id: rtc_session_id, agent_id, terms, onConversation } = this.#deps;
    const metadata = { rtc_session_id, turn_id, channel: "rtc" };
    const { options, messages } = terms.take();
    const brought = messages.map((message) => ({ ...message, metadata }));
    const started = await runs.start(principal, {
      operation: "rtc_session",
      agent_id,
      conversation_id: this.#conversation_id ?? undefined,
      messages: content === "" ? brought : [...brought, { role: "user", content, metadata }],
      options,
      multitask: "enqueue",
      on_disconnect: "continue",
      metadata,
      delivery,
    });
    if (this.#conversation_id === null) onConversation(this.#conversation_id = started.run.conversation_id);
    return started;
  }

  #inLine<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#starting.then(work);
    this.#starting = done.catch(() => {});
    return done;
  }
}

function failureOf({ data }: RunEvent): AppError {
  const { error, message, details } = JSON.parse(data).error;
  return new AppError(error, message, { ...details && { details } });
}
