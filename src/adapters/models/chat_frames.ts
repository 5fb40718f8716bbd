/**
 * Puts together what the frames of an OpenAI-compatible answer say.
 *
 * @module
 */
import { type FinishReason, INVALID_ARGUMENTS } from "../../domain/message.ts";
import { createId } from "../../kit/id.ts";
import { readMessage, toSafeText } from "../../kit/refusal.ts";
import type { ModelOutput, TokenCount } from "../../ports/model.ts";
import { Citations, type SaidSource } from "./citations.ts";
import { ProviderError } from "./provider_error.ts";
import type { Target } from "./source.ts";

const MAX_CALLS = 128;
const MAX_ARGUMENTS = 1024 * 1024;

interface CallFragment {
  index?: number;
  id?: string | null;
  function?: { name?: string | null; arguments?: string | Record<string, unknown> | null };
}

/** OpenAI nests what is cited; others, as its newer protocol, do not. */
interface Annotation extends SaidSource {
  type?: string;
  url_citation?: SaidSource | null;
}

interface Delta {
  content?: string | null;
  reasoning_content?: string | null;
  reasoning?: string | null;
  refusal?: string | null;
  tool_calls?: CallFragment[] | null;
  annotations?: unknown;
}

interface UsageFrame {
  prompt_tokens?: number;
  completion_tokens?: number;
  prompt_tokens_details?: { cached_tokens?: number } | null;
  completion_tokens_details?: { reasoning_tokens?: number } | null;
}

interface Frame {
  choices?: { delta?: Delta | null; message?: Delta | null; finish_reason?: string | null }[];
  usage?: UsageFrame | null;
  /** Addresses: Perplexity's and xAI's sources, again in every frame or only in the last. */
  citations?: unknown;
  /** The same with titles, where Perplexity says both. */
  search_results?: unknown;
  error?: unknown;
}

interface PartialCall {
  index: number | undefined;
  id: string | undefined;
  name: string;
  text: string;
}

const FINISH: Record<string, FinishReason> = {
  stop: "stop",
  length: "length",
  tool_calls: "tool_calls",
  function_call: "tool_calls",
  content_filter: "content_filter",
};

/** The arguments a model wrote, or its text under {@linkcode INVALID_ARGUMENTS}. No text at all is no arguments. */
export function readArguments(text: string): Record<string, unknown> {
  if (text.trim() === "") return {};
  try {
    const value = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
    if (value === null) return {};
  } catch {
    // Said below.
  }
  return { [INVALID_ARGUMENTS]: text };
}

/** A number of tokens as a provider reports it. */
export function toCount(value: unknown): number {
  return typeof value === "number" && value > 0 && Number.isFinite(value) ? Math.floor(value) : 0;
}

function toTokens(usage: UsageFrame): TokenCount {
  const tokens: TokenCount = {
    input_tokens: toCount(usage.prompt_tokens),
    output_tokens: toCount(usage.completion_tokens),
  };
  const cached = toCount(usage.prompt_tokens_details?.cached_tokens);
  const reasoning = toCount(usage.completion_tokens_details?.reasoning_tokens);
  if (cached > 0) tokens.cached_input_tokens = cached;
  if (reasoning > 0) tokens.reasoning_tokens = reasoning;
  return tokens;
}

/** Takes the frames of one answer in order. Text that arrives together leaves together. */
export class ChatFrames {
  readonly #target: Target;
  #out: ModelOutput[] = [];
  #calls: PartialCall[] = [];
  #called = false;
  #usage: UsageFrame | null = null;
  #citations: Citations | null = null;
  #sources: unknown = null;
  #finish: string | null = null;
  #done = false;

  constructor(target: Target) {
    this.#target = target;
  }

  /** Whether `[DONE]` has been said. */
  get done(): boolean {
    return this.#done;
  }

  /** Whether the model has finished, also when `[DONE]` is still to come. */
  get finished(): boolean {
    return this.#done || this.#finish !== null;
  }

  /** Takes the data of one event. Throws `UpstreamError` when it is an error or nonsense. */
  accept(data: string): void {
    if (data === "[DONE]") {
      this.#done = true;
      return;
    }
    let frame: Frame;
    try {
      frame = JSON.parse(data);
    } catch (cause) {
      throw this.#fail("sent a frame that is not JSON", { cause, retryable: true });
    }
    if (frame === null || typeof frame !== "object") throw this.#fail("sent a frame that is no object");
    if (frame.error) {
      const message = toSafeText(readMessage(frame.error), this.#target.api_key);
      const { type, code } = frame.error as { type?: unknown; code?: unknown };
      const ours = type === "invalid_request_error" || code === 400;
      throw this.#fail(`failed: ${message || "it does not say why"}`, { retryable: !ours });
    }
    if (frame.usage) this.#usage = frame.usage;
    const sources = frame.search_results ?? frame.citations;
    if (sources) this.#sources = sources;
    const choice = frame.choices?.[0];
    if (!choice) return;
    const delta = choice.delta ?? choice.message;
    if (delta) this.#delta(delta);
    if (choice.finish_reason) {
      this.#finish = choice.finish_reason;
      this.#release();
    }
  }

  /** What has come of it since the last call. */
  take(): ModelOutput[] {
    const out = this.#out;
    this.#out = [];
    return out;
  }

  /** The stream is over: what is left to say. Throws `UpstreamError` when the answer is not complete. */
  end(): ModelOutput[] {
    if (!this.finished) throw this.#fail("ended its answer in the middle", { retryable: true });
    this.#release();
    this.#citeSources();
    if (this.#usage) this.#out.push({ type: "usage", tokens: toTokens(this.#usage), cost: null });
    const reason = FINISH[this.#finish ?? "stop"] ?? "other";
    // Several servers say "stop" after tool calls.
    this.#out.push({ type: "finish", reason: this.#called && reason === "stop" ? "tool_calls" : reason });
    return this.take();
  }

  #fail(what: string, options: { cause?: unknown; retryable?: boolean } = {}): ProviderError {
    const { provider, model } = this.#target;
    return new ProviderError(`Provider "${provider}" ${what}`, {
      details: { provider, model },
      retryable: false,
      ...options,
    });
  }

  #delta(delta: Delta): void {
    const reasoning = delta.reasoning_content ?? delta.reasoning;
    if (typeof reasoning === "string" && reasoning !== "") this.#text("reasoning", reasoning);
    const text = delta.content ?? delta.refusal;
    if (typeof text === "string" && text !== "") this.#text("text", text);
    if (delta.tool_calls) { for (const fragment of delta.tool_calls) this.#fragment(fragment); }
    if (delta.annotations) this.#annotate(delta.annotations);
  }

  #annotate(annotations: unknown): void {
    if (!Array.isArray(annotations)) return;
    for (const each of annotations as (Annotation | null)[]) {
      if (each?.type === undefined || each.type === "url_citation") this.#cite(each?.url_citation ?? each ?? {});
    }
  }

  /** The sources of the answer as a whole, in the order in which it numbers them. */
  #citeSources(): void {
    if (!Array.isArray(this.#sources)) return;
    for (const source of this.#sources) this.#cite(typeof source === "string" ? { url: source } : source ?? {});
  }

  #cite(said: SaidSource): void {
    const citation = (this.#citations ??= new Citations()).accept(said);
    if (citation) this.#out.push({ type: "citation", citation });
  }

  #text(type: "text" | "reasoning", text: string): void {
    const last = this.#out.at(-1);
    if (last?.type === type) last.text += text;
    else this.#out.push({ type, text });
  }

  #fragment({ index, id, function: said }: CallFragment): void {
    let call = index === undefined
      ? id ? this.#calls.find((each) => each.id === id) : this.#calls.at(-1)
      : this.#calls.findLast((each) => each.index === index);
    // Some servers give every call the index 0, and tell them apart by id.
    if (!call || (id && call.id && call.id !== id)) {
      call = { index, id: undefined, name: "", text: "" };
      if (this.#calls.push(call) > MAX_CALLS) throw this.#fail("asked for too many tool calls");
    }
    if (id) call.id = id;
    if (said?.name && call.name === "") call.name = said.name;
    if (said?.arguments) {
      call.text += typeof said.arguments === "string" ? said.arguments : JSON.stringify(said.arguments);
      if (call.text.length > MAX_ARGUMENTS) throw this.#fail("sent arguments that are too long");
    }
  }

  /** Gives the calls that are complete now. */
  #release(): void {
    for (const { id, name, text } of this.#calls) {
      this.#called = true;
      this.#out.push({
        type: "tool_call",
        call: { tool_call_id: id ?? createId("call"), tool: name, arguments: readArguments(text) },
      });
    }
    this.#calls = [];
  }
}
