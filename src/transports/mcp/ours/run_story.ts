/**
 * What the events of a run tell somebody who waits for its answer.
 *
 * @module
 */
import type { z } from "zod";
import { type EventType, isFinal } from "../../../domain/event.ts";
import type { SpokenMessage } from "../../../domain/message.ts";
import type { RunError as RunErrorShape } from "../../../domain/run.ts";
import type { Item } from "../../../operations/operation.ts";

/** The most characters of progress, from the end. */
const MAX_SAID = 2000;
/** Text is worth telling when this much more is there, or a step has ended. */
const CHUNK = 40;

type RunError = z.infer<typeof RunErrorShape>;

/** How a run ended. */
export type End = { status: "completed" | "failed" | "cancelled"; text: string };

/** Reads events in their order. */
export class RunStory {
  /** The last event's place. */
  seq: number;
  run_id: string | undefined;
  end: End | undefined;
  #conversation_id: string | undefined;
  #error: RunError | null = null;
  #message: SpokenMessage | null = null;
  #usage: unknown = null;
  #text = "";
  #told = 0;
  #news: string | undefined;

  /** Begins with the run's first event, or with what comes after `seq` of a run that is known. */
  constructor({ run_id, conversation_id, seq = 0 }: { run_id?: string; conversation_id?: string; seq?: number } = {}) {
    this.run_id = run_id;
    this.#conversation_id = conversation_id;
    this.seq = seq;
  }

  /** Where to go on. */
  get state(): { run_id: string | undefined; seq: number } {
    return { run_id: this.run_id, seq: this.seq };
  }

  /** Takes the next event. */
  add({ seq, type, data }: Item): void {
    if (seq !== undefined) this.seq = seq;
    const event = JSON.parse(data);
    this.run_id ??= event.run_id;
    this.#conversation_id = event.conversation_id ?? this.#conversation_id;
    if (isFinal(type as EventType)) this.#finish(type, event);
    else if (type === "model.delta") this.#text += event.text;
    else if (type === "step.restarted" || type === "message.completed") [this.#text, this.#told] = ["", 0];
    else if (type === "tool.call.started") this.#news = `Calls ${event.tool}`;
    else if (type === "tool.call.result" && event.error) this.#news = `A tool failed: ${event.error.message}`;
    else if (type === "agent.handoff") this.#news = `${event.from} hands over to ${event.to}`;
    else if (type === "run.queued") this.#news = "Waits for its turn";
  }

  /** What is worth telling since the last time: the text so far, or what happens. */
  progress(): string | undefined {
    if (this.#news !== undefined) {
      const news = this.#news;
      this.#news = undefined;
      return news;
    }
    const isFirst = this.#told === 0 && this.#text.length > 0;
    if (!isFirst && this.#text.length - this.#told < CHUNK) return undefined;
    this.#told = this.#text.length;
    return this.#text.length > MAX_SAID ? `…${this.#text.slice(-MAX_SAID)}` : this.#text;
  }

  /** The answer that it ended with. */
  answer(): Record<string, unknown> {
    return {
      run_id: this.run_id,
      conversation_id: this.#conversation_id,
      status: this.end?.status,
      message: this.#message,
      usage: this.#usage,
      error: this.#error,
    };
  }

  #finish(type: string, event: { message?: SpokenMessage; usage: unknown; error?: RunError; reason?: string }) {
    this.#usage = event.usage;
    if (type === "run.completed") {
      this.#message = event.message ?? null;
      this.end = { status: "completed", text: event.message?.content ?? "" };
    } else if (type === "run.failed") {
      this.#error = event.error ?? null;
      this.end = { status: "failed", text: event.error?.message ?? "The run failed" };
    } else {
      this.end = { status: "cancelled", text: `The run was cancelled: ${event.reason}` };
    }
  }
}
