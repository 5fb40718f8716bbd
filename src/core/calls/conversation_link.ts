/**
 * A call's place in its conversation: what the caller says starts a run, and what the run says is the answer.
 *
 * @module
 */
import type { Principal } from "../../domain/access.ts";
import { AppError } from "../../domain/error.ts";
import type { RunEvent } from "../../domain/event.ts";
import type { Preview } from "../orchestrator/preview.ts";
import type { Started } from "../runs/starter.ts";
import type { Runs } from "../runs/runs.ts";
import type { AnswerOptions, Brain, Said } from "../voice/brain.ts";
import type { EarlyModel } from "../voice/early_model.ts";
import type { Looks } from "./looks.ts";
import { openEyes, withEyes } from "./run_eyes.ts";
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
  /** What the caller shows. */
  looks: Looks;
  /** What begins to answer before it is asked. */
  early: { model: EarlyModel; preview: Preview };
  /** Told when the conversation was made. */
  onConversation(id: string): void;
  /** Told what the log of a run says. */
  onRunEvent(run_id: string, event: RunEvent): void;
}

/** Answers by runs. */
export class ConversationLink implements Brain {
  readonly #deps: ConversationLinkDeps;
  #conversation_id: string | null;
  /** Answers that are not over. */
  #answering = 0;
  /** Starts stand in line, so that the first one makes the conversation. */
  #starting: Promise<unknown> = Promise.resolve();

  constructor(deps: ConversationLinkDeps) {
    this.#deps = deps;
    this.#conversation_id = deps.conversation_id;
  }

  prepare(text: string, { signal }: { signal: AbortSignal }): void {
    const { principal, agent_id, terms, looks, early } = this.#deps;
    const { options, messages } = terms.next;
    // What is being answered is not in the conversation yet, and neither is what was brought along.
    if (!terms.answers || this.#answering > 0 || messages.length > 0) return;
    const conversation_id = this.#conversation_id;
    const eyes = openEyes({ looks, agent_id, model: early.model, interrupted: signal });
    const given = { agent_id, conversation_id, options, eyes, reading: terms.reading };
    const asked = () => early.preview.request(principal, { ...given, messages: [{ role: "user", content: text }] });
    // Whatever is in the way is said when the answer is really asked for.
    early.model.prepare(asked, { signal }).catch(() => {});
  }

  async *answer(text: string, options: AnswerOptions): AsyncGenerator<Said> {
    this.#answering++;
    try {
      yield* this.#answer(text, options);
    } finally {
      this.#answering--;
      this.#deps.early.model.drop();
    }
  }

  async *#answer(text: string, asked: AnswerOptions): AsyncGenerator<Said> {
    const { runs, terms, onRunEvent } = this.#deps;
    const { signal, turn_id: id } = asked;
    if (text !== "" && !terms.answers) return terms.bring([{ id, role: "user", content: text, attachments: [] }]);
    const started = await this.#inLine(() => this.#start(text, asked));
    const run_id = started.run.id;
    yield { type: "started", run_id };
    for await (const event of await runs.attach(started, signal)) {
      onRunEvent(run_id, event);
      if (event.type === "model.delta") yield { type: "text", text: JSON.parse(event.data).text };
      else if (event.type === "run.waiting") yield { type: "waiting" };
      else if (event.type === "run.failed") throw failureOf(event);
    }
  }

  async #start(content: string, { turn_id, delivery, by, signal }: AnswerOptions): Promise<Started> {
    signal.throwIfAborted();
    const { runs, principal, session_id: rtc_session_id, terms, looks, onConversation } = this.#deps;
    const agent_id = by?.agent_id ?? this.#deps.agent_id;
    const metadata = { ...by?.metadata, rtc_session_id, turn_id, channel: "rtc" };
    const { options, messages } = terms.take();
    const instructions = [by?.instructions, options.instructions].filter((text) => text !== undefined).join("\n\n");
    const brought = messages.map(({ id, ...message }) => ({
      ...message,
      metadata: { ...metadata, rtc_message_id: id },
    }));
    const started = await runs.start(principal, {
      operation: "rtc_session",
      agent_id,
      conversation_id: this.#conversation_id ?? undefined,
      messages: content === "" ? brought : [...brought, { role: "user", content, metadata }],
      options: instructions === "" ? options : { ...options, instructions },
      multitask: "enqueue",
      on_disconnect: "continue",
      metadata,
      delivery: { ...withEyes(delivery, { looks, agent_id }), reading: terms.reading },
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
