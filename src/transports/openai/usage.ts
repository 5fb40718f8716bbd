/**
 * What was used, as chat completions say it.
 *
 * @module
 */
import type { Usage } from "../../domain/usage.ts";

/** OpenAI's `usage`. */
export function toUsage({ input_tokens, output_tokens, total_tokens, cached_input_tokens, reasoning_tokens }: Usage) {
  return {
    prompt_tokens: input_tokens,
    completion_tokens: output_tokens,
    total_tokens,
    prompt_tokens_details: { cached_tokens: cached_input_tokens ?? 0 },
    completion_tokens_details: { reasoning_tokens: reasoning_tokens ?? 0 },
  };
}
