/**
 * Asks models through the AI SDK's provider packages, at their specification level. A package is loaded when its
 * provider is first asked.
 *
 * @module
 */
import type {
  LanguageModelV4,
  LanguageModelV4FinishReason,
  LanguageModelV4StreamPart,
  LanguageModelV4Usage,
} from "@ai-sdk/provider";
import type { FinishReason } from "../../domain/message.ts";
import { readMessage, readRetryAfter, toSafeText } from "../../kit/refusal.ts";
import type { ModelOutput, ModelRequest, TokenCount } from "../../ports/model.ts";
import { readArguments, toCount } from "./chat_frames.ts";
import { fromConnection, fromStatus, ProviderError } from "./provider_error.ts";
import { SdkCitations } from "./sdk_citations.ts";
import { toCallOptions } from "./sdk_prompt.ts";
import type { Source, Target } from "./source.ts";

const FINISH: Record<string, FinishReason> = {
  stop: "stop",
  length: "length",
  "tool-calls": "tool_calls",
  "content-filter": "content_filter",
};

/** Some gateways refuse an empty key, and the packages send one. */
function fetchWithoutKey(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const headers = new Headers(init?.headers);
  for (const name of ["authorization", "x-api-key", "x-goog-api-key", "api-key"]) headers.delete(name);
  return fetch(input, { ...init, headers, redirect: "error" });
}

function fetchStrictly(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  return fetch(input, { ...init, redirect: "error" });
}

/** Azure's portal shows the resource's address; its API is below `/openai`. */
function toAzureUrl(baseUrl: string): string {
  const url = new URL(baseUrl);
  return url.hostname.endsWith(".azure.com") && url.pathname === "/" ? `${url.origin}/openai` : baseUrl;
}

async function load(target: Target): Promise<LanguageModelV4> {
  const { model, base_url, api_key, api_version, headers } = target;
  const options = {
    ...base_url !== null && { baseURL: base_url },
    // Always given, since the packages would read the environment for one.
    apiKey: api_key ?? "none",
    headers,
    fetch: api_key ? fetchStrictly : fetchWithoutKey,
  };
  switch (target.kind) {
    case "anthropic":
      return (await import("@ai-sdk/anthropic")).createAnthropic(options).languageModel(model);
    case "google":
      return (await import("@ai-sdk/google")).createGoogle(options).languageModel(model);
    default: {
      const { createAzure } = await import("@ai-sdk/azure");
      const dated = api_version !== null && api_version !== "v1" && api_version !== "preview";
      return createAzure({
        ...options,
        ...base_url !== null && { baseURL: toAzureUrl(base_url) },
        ...api_version !== null && { apiVersion: api_version },
        useDeploymentBasedUrls: dated,
      }).chat(model);
    }
  }
}

/** What the packages throw. Names are compared, since several versions of the class may be loaded. */
interface CallError {
  name: string;
  message: string;
  statusCode?: number;
  responseBody?: string;
  responseHeaders?: Record<string, string>;
  data?: unknown;
}

function readBody(text = ""): string {
  try {
    return readMessage(JSON.parse(text));
  } catch {
    return "";
  }
}

function toError(target: Target, thrown: unknown, begun: boolean): unknown {
  if (thrown instanceof ProviderError) return thrown;
  const error = thrown as CallError | null;
  if (error?.name === "AI_APICallError" && error.statusCode && (error.statusCode >= 300 || !begun)) {
    const message = readMessage(error.data) || readBody(error.responseBody) || error.message;
    const headers = { get: (name: string) => error.responseHeaders?.[name] ?? null };
    return fromStatus(target, error.statusCode, message, readRetryAfter(headers, Date.now()));
  }
  const { provider, model } = target;
  const said = toSafeText(thrown instanceof Error ? "" : readMessage(thrown), target.api_key);
  if (said !== "") {
    return new ProviderError(`Provider "${provider}" failed: ${said}`, {
      cause: thrown,
      details: { provider, model },
      retryable: true,
    });
  }
  if (thrown instanceof Error && thrown.name.startsWith("AI_") && thrown.name !== "AI_APICallError") {
    return new ProviderError(`Provider "${provider}" failed: ${toSafeText(thrown.message, target.api_key)}`, {
      cause: thrown,
      details: { provider, model },
      retryable: false,
    });
  }
  return fromConnection(target, thrown, begun);
}

function toTokens({ inputTokens, outputTokens }: LanguageModelV4Usage): TokenCount | null {
  if (inputTokens.total === undefined && outputTokens.total === undefined) return null;
  const tokens: TokenCount = {
    input_tokens: toCount(inputTokens.total),
    output_tokens: toCount(outputTokens.total),
  };
  const cached = toCount(inputTokens.cacheRead);
  const reasoning = toCount(outputTokens.reasoning);
  if (cached > 0) tokens.cached_input_tokens = cached;
  if (reasoning > 0) tokens.reasoning_tokens = reasoning;
  return tokens;
}

class SdkSource implements Source {
  readonly #target: Target;
  readonly #reader: ReadableStreamDefaultReader<LanguageModelV4StreamPart>;
  readonly #signal: AbortSignal;
  readonly #citations = new SdkCitations();
  #called = false;
  #finished = false;

  constructor(target: Target, stream: ReadableStream<LanguageModelV4StreamPart>, signal: AbortSignal) {
    this.#target = target;
    this.#reader = stream.getReader();
    this.#signal = signal;
    // See the reader of OpenAI's stream: the signal that fetch was given may be forgotten.
    signal.addEventListener("abort", () => this.#reader.cancel(signal.reason).catch(() => {}), { once: true });
  }

  async pull(): Promise<ModelOutput[] | null> {
    if (this.#finished) return null;
    try {
      for (;;) {
        const { value } = await this.#reader.read();
        // Some of the packages end quietly when their request is aborted.
        this.#signal.throwIfAborted();
        if (value === undefined) throw this.#cut();
        const out = this.#take(value);
        if (out && out.length > 0) return out;
      }
    } catch (error) {
      this.#reader.cancel().catch(() => {});
      if (this.#signal.aborted) throw this.#signal.reason;
      throw toError(this.#target, error, true);
    }
  }

  #take(part: LanguageModelV4StreamPart): ModelOutput[] | null {
    switch (part.type) {
      case "text-start":
        this.#citations.begin(part.id);
        return null;
      case "text-end":
        return this.#citations.end(part);
      case "source":
        this.#citations.note(part);
        return null;
      case "text-delta":
        this.#citations.pass(part.delta);
        return part.delta === "" ? null : [{ type: "text", text: part.delta }];
      case "reasoning-delta":
        return part.delta === "" ? null : [{ type: "reasoning", text: part.delta }];
      case "tool-call": {
        // What the provider runs itself is not ours to run.
        if (part.providerExecuted) return null;
        this.#called = true;
        const { toolCallId: tool_call_id, toolName: tool, input } = part;
        return [{ type: "tool_call", call: { tool_call_id, tool, arguments: readArguments(input) } }];
      }
      case "error":
        throw part.error;
      case "finish":
        return this.#finish(part.finishReason, part.usage);
      default:
        return null;
    }
  }

  #finish({ unified, raw }: LanguageModelV4FinishReason, usage: LanguageModelV4Usage): ModelOutput[] {
    // Without a reason of the provider's own, the package has made one up for a stream that just ended.
    const madeUp = raw === undefined && unified === "other";
    if (unified === "interrupted" || unified === "error" || madeUp) throw this.#cut();
    this.#finished = true;
    const tokens = toTokens(usage);
    const reason = FINISH[unified] ?? "other";
    return [
      ...this.#citations.rest(),
      ...tokens ? [{ type: "usage" as const, tokens, cost: null }] : [],
      { type: "finish", reason: this.#called && reason === "stop" ? "tool_calls" : reason },
    ];
  }

  #cut(): ProviderError {
    const { provider, model } = this.#target;
    return new ProviderError(`Provider "${provider}" ended its answer in the middle`, {
      details: { provider, model },
      retryable: true,
    });
  }
}

/** See {@linkcode OpenSource}. */
export async function openSdk(target: Target, request: ModelRequest, signal: AbortSignal): Promise<Source> {
  const model = await load(target);
  signal.throwIfAborted();
  try {
    const { stream } = await model.doStream(toCallOptions(request, { kind: target.kind, signal }));
    return new SdkSource(target, stream, signal);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw toError(target, error, false);
  }
}
