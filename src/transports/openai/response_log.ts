/**
 * A run's log as the events of a response.
 *
 * @module
 */
import type { ErrorBody } from "../../domain/error.ts";
import type { FinishReason, SpokenMessage } from "../../domain/message.ts";
import type { Usage } from "../../domain/usage.ts";
import type { Item } from "../../operations/operation.ts";
import { toSeconds } from "./ids.ts";
import { type ResponseFacts, toNewState, toResponse } from "./response_facts.ts";
import {
  callFunction,
  closeText,
  growText,
  type OpenText,
  openText,
  toItemId,
  toTextItem,
  withdrawText,
} from "./response_items.ts";
import { toIncomplete, toResponseError, toResponseUsage } from "./response_outcome.ts";
import type { OutputItem, ResponseEvent, ResponseObject, ResponseState, ResponseStatus } from "./response_shape.ts";

/** What a step of the run has said. */
interface SpeakingStep {
  /** Which attempt at it this is. */
  attempt: number;
  /** How many trains of thought it has begun. */
  thoughts: number;
  message?: OpenText | undefined;
  reasoning?: OpenText | undefined;
}

/** What the data of the run's events may hold, as far as it is looked at. */
interface EventData {
  run_id: string;
  time: string;
  conversation_id?: string;
  step_id: string;
  attempt: number;
  text: string;
  message: SpokenMessage | null;
  usage: Usage;
  finish_reason?: FinishReason;
  error: ErrorBody;
}

/**
 * Turns the events of a run, fed in their order, into the events of a response. What it gives depends on the run's log
 * and on nothing else, so that the same log gives the same sequence numbers at any time and in any process. Fed with
 * the end of a log whose deltas are no longer kept, it still gives the answer.
 */
export class ResponseLog {
  #facts: ResponseFacts;
  #state: ResponseState | undefined;
  #conversation_id: string | null;
  #steps = new Map<string, SpeakingStep>();
  /** The last message, whose item stays open until it is known how the run ends. */
  #last: { step_id: string; message: SpokenMessage } | undefined;
  #sequence = -1;
  #over = false;

  constructor(facts: ResponseFacts, conversation_id: string | null = null) {
    this.#facts = facts;
    this.#conversation_id = conversation_id;
  }

  /** The number of the last event that was given; -1 before the first. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Whether the response has ended. */
  get over(): boolean {
    return this.#over;
  }

  /** The response as it is now; undefined before the first event. */
  get response(): ResponseObject | undefined {
    if (!this.#state) return undefined;
    const output = [...this.#state.output];
    for (const { message, reasoning } of this.#steps.values()) {
      for (const text of [message, reasoning]) if (text) output[text.index] = toTextItem(text, "in_progress");
    }
    return toResponse(this.#facts, { ...this.#state, output }, this.#conversation_id);
  }

  /** What an event of the run adds, ready to be sent. */
  next({ type, data: json }: Item): Item[] {
    const data: EventData = JSON.parse(json);
    const events = [...this.#begin(type, data), ...this.#tell(type, data)];
    return events.map(({ type, ...event }) => ({
      type,
      data: JSON.stringify({ type, sequence_number: ++this.#sequence, ...event }),
    }));
  }

  #begin(type: string, { run_id, conversation_id }: EventData): ResponseEvent[] {
    if (this.#state) return [];
    this.#state = toNewState(run_id);
    if (type === "run.queued") this.#state.status = "queued";
    this.#conversation_id ??= conversation_id ?? null;
    return [this.#about("response.created"), this.#about(`response.${this.#state.status}`)];
  }

  #tell(type: string, data: EventData): ResponseEvent[] {
    switch (type) {
      case "run.started":
        if (this.#now.status !== "queued") return [];
        this.#now.status = "in_progress";
        return [this.#about("response.in_progress")];
      case "model.delta":
        return this.#say(data);
      case "model.reasoning.delta":
        return this.#think(data);
      case "step.restarted":
        return this.#restart(data);
      case "step.completed":
        return this.#last?.step_id === data.step_id ? [] : this.#close(data.step_id, "completed");
      case "message.completed":
        this.#last = { step_id: data.step_id, message: data.message! };
        return [];
      case "run.completed":
        return this.#complete(data);
      case "run.failed":
        this.#now.error = toResponseError(data.error);
        return this.#end("failed", data);
      case "run.cancelled":
        return this.#end("cancelled", data);
    }
    return [];
  }

  get #now(): ResponseState {
    return this.#state!;
  }

  #about(type: ResponseEvent["type"]): ResponseEvent {
    return { type, response: this.response };
  }

  #step(step_id: string): SpeakingStep {
    const known = this.#steps.get(step_id) ?? { attempt: 1, thoughts: 0 };
    this.#steps.set(step_id, known);
    return known;
  }

  /** The id of the `count`th item of its kind in a step. */
  #idOf(kind: "msg" | "rs", step_id: string, count: number): string {
    return `${toItemId(kind, this.#now.id, step_id)}${count > 1 ? `_${count}` : ""}`;
  }

  /** Begins a text at the end of the output. */
  #open(type: OpenText["type"], id: string): { text: OpenText; events: ResponseEvent[] } {
    const text: OpenText = { type, id, index: this.#now.output.length, text: "" };
    this.#now.output.push(toTextItem(text, "in_progress", []));
    return { text, events: openText(text) };
  }

  #say({ step_id, text }: Pick<EventData, "step_id" | "text">): ResponseEvent[] {
    const step = this.#step(step_id);
    const events = this.#closeReasoning(step, "completed");
    if (!step.message) {
      const opened = this.#open("message", this.#idOf("msg", step_id, step.attempt));
      step.message = opened.text;
      events.push(...opened.events);
    }
    events.push(growText(step.message, text));
    step.message.text += text;
    return events;
  }

  #think({ step_id, text }: EventData): ResponseEvent[] {
    const step = this.#step(step_id);
    const events: ResponseEvent[] = [];
    if (!step.reasoning) {
      const opened = this.#open("reasoning", this.#idOf("rs", step_id, ++step.thoughts));
      step.reasoning = opened.text;
      events.push(...opened.events);
    }
    events.push(growText(step.reasoning, text));
    step.reasoning.text += text;
    return events;
  }

  /** What an attempt said is void; what it thought is only cut off. */
  #restart({ step_id, attempt }: EventData): ResponseEvent[] {
    const step = this.#step(step_id);
    const events = this.#closeReasoning(step, "incomplete");
    if (step.message) events.push(...this.#put(step.message, withdrawText(step.message)));
    step.message = undefined;
    step.attempt = attempt;
    return events;
  }

  /** Ends what a step was saying; `said` is what its message says in the end. */
  #close(step_id: string, status: "completed" | "incomplete", said?: SpokenMessage): ResponseEvent[] {
    const events: ResponseEvent[] = [];
    // All of it was said in one piece, or its pieces are no longer kept.
    if (said && said.content !== "" && !this.#step(step_id).message) {
      events.push(...this.#say({ step_id, text: said.content }));
    }
    const step = this.#step(step_id);
    events.push(...this.#closeReasoning(step, status));
    if (step.message) events.push(...this.#put(step.message, closeText(step.message, { status, said })));
    this.#steps.delete(step_id);
    return events;
  }

  #closeReasoning(step: SpeakingStep, status: "completed" | "incomplete"): ResponseEvent[] {
    if (!step.reasoning) return [];
    const events = this.#put(step.reasoning, closeText(step.reasoning, { status }));
    step.reasoning = undefined;
    return events;
  }

  #put({ index }: OpenText, { events, item }: { events: ResponseEvent[]; item: OutputItem }): ResponseEvent[] {
    this.#now.output[index] = item;
    return events;
  }

  #complete(data: EventData): ResponseEvent[] {
    const details = toIncomplete(data.finish_reason);
    this.#now.incomplete_details = details;
    if (!details) this.#now.completed_at = toSeconds(data.time);
    const calls = data.message?.tool_calls ?? [];
    return this.#end(details ? "incomplete" : "completed", data, () =>
      calls.flatMap((call) => {
        const item_id = toItemId("fc", this.#now.id, call.tool_call_id);
        const { events, item } = callFunction(call, { item_id, output_index: this.#now.output.length });
        this.#now.output.push(item);
        return events;
      }));
  }

  #end(
    status: Exclude<ResponseStatus, "queued" | "in_progress">,
    { usage }: EventData,
    more: () => ResponseEvent[] = () => [],
  ): ResponseEvent[] {
    const of = status === "completed" ? status : "incomplete";
    const last = this.#last;
    if (last) this.#step(last.step_id);
    const events = [...this.#steps.keys()].flatMap((id) =>
      id === last?.step_id ? this.#close(id, of, last.message) : this.#close(id, of)
    );
    events.push(...more());
    this.#now.status = status;
    this.#now.usage = toResponseUsage(usage);
    this.#over = true;
    // The protocol has no event for what was cancelled: it ends as a failed one does, and its status says more.
    return [...events, this.#about(`response.${status === "cancelled" ? "failed" : status}`)];
  }
}
