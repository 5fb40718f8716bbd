/**
 * A language model.
 *
 * @module
 */
import type { ModelChoice } from "../domain/agent.ts";
import type { AppError } from "../domain/error.ts";
import type { Citation, FinishReason, ToolRequest } from "../domain/message.ts";
import type { ResponseFormat, RunOptions } from "../domain/run.ts";

/** A picture or text that goes with a message. */
export type ModelPart =
  | { type: "image"; media_type: string; bytes: Uint8Array }
  /** A picture that the provider fetches itself. */
  | { type: "image_url"; url: string }
  | { type: "text"; name: string; text: string };

/** A message as a model reads it. */
export type ModelMessage =
  | { role: "system"; content: string }
  | { role: "user"; content: string; parts: ModelPart[] }
  | { role: "assistant"; content: string; tool_calls: ToolRequest[] }
  /** `parts` are the pictures that the tool answered with; `content` says that they are there. */
  | { role: "tool"; tool_call_id: string; tool: string; content: string; parts?: ModelPart[] };

/** A tool as a model sees it. */
export interface ModelTool {
  name: string;
  description: string;
  /** JSON Schema of the arguments. */
  parameters: Record<string, unknown>;
}

/** A text the answer may quote, with where it is from. The adapter shows them to the model; `messages` need not. */
export interface Passage {
  source: string;
  text: string;
}

/** What is asked of a model. */
export interface ModelRequest {
  choice: ModelChoice;
  messages: ModelMessage[];
  tools: ModelTool[];
  /** Absent: `auto`. */
  tool_choice?: RunOptions["tool_choice"];
  /** Absent: the provider's way. */
  parallel_tool_calls?: boolean | undefined;
  passages: Passage[];
  response_format: ResponseFormat | null;
}

/** Tokens used, as far as the provider says. */
export interface TokenCount {
  input_tokens: number;
  output_tokens: number;
  reasoning_tokens?: number;
  cached_input_tokens?: number;
}

/**
 * What a model does, in order. `tool_call` comes once, complete; when its arguments are not a JSON object they are
 * `{ [INVALID_ARGUMENTS]: text }`. `usage` replaces what was said before within one `start`.
 */
export type ModelOutput =
  /** Which provider and model answer; comes first, again after a fallback. */
  | { type: "start"; provider: string; model: string }
  | { type: "text"; text: string }
  | { type: "reasoning"; text: string }
  | { type: "tool_call"; call: ToolRequest }
  /** A source of what was said; indexes count the characters of all text since `start`. */
  | { type: "citation"; citation: Citation }
  /** `estimated`: by length, because the stream was cut before the provider counted. */
  | { type: "usage"; tokens: TokenCount; cost: number | null; estimated?: true }
  | { type: "finish"; reason: FinishReason };

/** A call of a model whose answer nobody needed. */
export interface UnusedCall {
  provider: string;
  model: string;
  tokens: TokenCount;
  cost: number | null;
  /** It failed by itself before it was given up. */
  error: AppError | null;
  started_at: string;
  duration_ms: number;
}

/** A language model, or a chain of them. */
export interface Model {
  /** The formats of pictures that it reads, where they are fewer than usual. */
  readonly pictures?: readonly string[] | undefined;
  /** Whether the model that `choice` names reads pictures of a format; absent: as `pictures` says. */
  reads?(choice: ModelChoice, media_type: string): Promise<boolean>;
  /**
   * Streams the answer. Throws `UpstreamError`, `TimeoutError` or
   * `ConfigurationError`. Once `signal` aborts, the provider's connection is
   * closed before the stream ends: with an estimated `usage` if anything was
   * begun, then by throwing the signal's reason if that is an `AppError`,
   * otherwise `CancelledError`.
   */
  stream(request: ModelRequest, options: { signal: AbortSignal }): AsyncIterable<ModelOutput>;
  /** Whether it can be asked, for health and `doctor`. */
  check(): Promise<{ ok: boolean; detail: string }>;
}
