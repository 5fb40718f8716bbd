/**
 * A run's events as the chunks of a chat completion.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { SpokenMessage } from "../../domain/message.ts";
import type { Item } from "../../operations/operation.ts";
import { toErrorFrame } from "./errors.ts";
import { toCompletionId } from "./ids.ts";
import { OpenWebUiEvents, sourceFrames } from "./open_webui.ts";
import { type Ended, toAnnotations, toFinishReason, toToolCalls } from "./spoken.ts";
import { TextFlow } from "./text_flow.ts";
import { toUsage } from "./usage.ts";

/** How an answer is streamed. */
export interface ChunkOptions {
  model: string;
  /** Seconds since 1970. */
  created: number;
  /** The id where no run gives one. */
  id: string;
  include_usage: boolean;
  /** Whether the answer is of use only whole, as JSON is: then it comes in one piece. */
  whole: boolean;
  events?: "openwebui" | undefined;
}

/** Takes the events of one run in order, or of one plain call of a model. */
export class ChatChunks {
  readonly #options: ChunkOptions;
  readonly #text: TextFlow;
  readonly #events: OpenWebUiEvents | undefined;
  #id: string;
  #begun = false;
  #over = false;
  /** The message that has been told, so that the run's end doesn't tell it again. */
  #told: string | undefined;

  constructor(options: ChunkOptions) {
    this.#options = options;
    this.#id = options.id;
    this.#text = new TextFlow({ hold: options.whole });
    this.#events = options.events && new OpenWebUiEvents();
  }

  /** The frames of `item`, none of them perhaps. Throws when text that was sent turns out to be wrong. */
  framesOf(item: Item): string {
    const own = this.#ownFrames(item);
    return this.#events ? own + this.#events.framesOf(item) : own;
  }

  /** The frame for what went wrong. Nothing comes after it. */
  errorFrame(thrown: unknown): string {
    this.#over = true;
    return toErrorFrame(AppError.from(thrown));
  }

  /** What is to be said when nothing more comes. */
  endFrame(): string {
    if (this.#over) return "";
    return this.errorFrame(
      new AppError("UnavailableError", "Cannot finish the answer: the server is shutting down", { retry_after: 5 }),
    );
  }

  #ownFrames({ type, data: text }: Item): string {
    switch (type) {
      case "run.queued":
      case "run.started":
        return this.#begin(JSON.parse(text).run_id);
      case "model.delta": {
        const { step_id = "", text: said } = JSON.parse(text);
        return this.#say(this.#text.delta(step_id, said));
      }
      case "model.reasoning.delta":
        return this.#begin() + this.#chunk({ reasoning_content: JSON.parse(text).text });
      case "step.restarted":
        this.#text.restart(JSON.parse(text).step_id);
        return "";
      case "message.completed": {
        const { step_id, message } = JSON.parse(text);
        return this.#options.whole ? "" : this.#tell(step_id, message);
      }
      case "run.completed":
      case "model.completed":
        return this.#end(JSON.parse(text));
      case "run.failed": {
        const { error, message, details } = JSON.parse(text).error;
        return this.errorFrame(new AppError(error, message, { details }));
      }
      case "run.cancelled":
        return this.errorFrame(new AppError("CancelledError", `The answer was cancelled: ${JSON.parse(text).reason}`));
    }
    return "";
  }

  #begin(run_id?: string): string {
    if (this.#begun) return "";
    this.#begun = true;
    if (run_id !== undefined) this.#id = toCompletionId(run_id);
    return this.#chunk({ role: "assistant", content: "" });
  }

  #say(content: string): string {
    return content === "" ? "" : this.#begin() + this.#chunk({ content });
  }

  #tell(step_id: string, { id, content, citations = [] }: SpokenMessage): string {
    this.#told = id;
    const frames = this.#say(this.#text.complete(step_id, content));
    if (citations.length === 0) return frames;
    if (this.#events) return frames + sourceFrames(citations);
    const annotations = toAnnotations(citations, this.#text.base);
    return annotations.length === 0 ? frames : frames + this.#chunk({ annotations });
  }

  #end(ended: Ended): string {
    const { message, usage } = ended;
    this.#over = true;
    let frames = this.#begin();
    if (message && message.id !== this.#told) frames += this.#tell("", message);
    const calls = toToolCalls(message?.tool_calls ?? []);
    if (calls.length > 0) frames += this.#chunk({ tool_calls: calls.map((call, index) => ({ index, ...call })) });
    frames += this.#chunk({}, toFinishReason(ended));
    if (this.#options.include_usage) frames += this.#frame({ choices: [], usage: toUsage(usage) });
    return `${frames}data: [DONE]\n\n`;
  }

  #chunk(delta: Record<string, unknown>, finish_reason: string | null = null): string {
    const choices = [{ index: 0, delta, logprobs: null, finish_reason }];
    return this.#frame({ choices, ...this.#options.include_usage && { usage: null } });
  }

  #frame(rest: Record<string, unknown>): string {
    const { created, model } = this.#options;
    return `data: ${JSON.stringify({ id: this.#id, object: "chat.completion.chunk", created, model, ...rest })}\n\n`;
  }
}
