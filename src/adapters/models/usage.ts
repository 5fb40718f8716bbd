/**
 * What a model call used, and its price.
 *
 * @module
 */
import type { ModelRequest, TokenCount } from "../../ports/model.ts";

/** US dollars per million tokens. */
export interface Price {
  input: number;
  output: number;
  /** Default: as `input`. */
  cached_input?: number;
}

/** What `tokens` cost, null when the price is not known. */
export function toCost(tokens: TokenCount, price: Price | undefined): number | null {
  if (!price) return null;
  const cached = Math.min(tokens.cached_input_tokens ?? 0, tokens.input_tokens);
  const input = (tokens.input_tokens - cached) * price.input + cached * (price.cached_input ?? price.input);
  // Rounded to a billionth, so that sums read well.
  return Math.round((input + tokens.output_tokens * price.output) * 1000) / 1e9;
}

/** The characters of `text` as tokens: a rough four to one. */
export function estimateTokens(characters: number): number {
  return Math.ceil(characters / 4);
}

/** How many characters a request gives a model to read; pictures are not counted. */
export function countCharacters({ messages, tools, passages }: ModelRequest): number {
  let count = tools.length === 0 ? 0 : JSON.stringify(tools).length;
  for (const { source, text } of passages) count += source.length + text.length;
  for (const message of messages) {
    count += message.content.length;
    if (message.role === "assistant" && message.tool_calls.length > 0) {
      count += JSON.stringify(message.tool_calls).length;
    } else if (message.role === "user") {
      for (const part of message.parts) if (part.type === "text") count += part.text.length;
    }
  }
  return count;
}
