/**
 * List prices of well-known models, as published by their makers in October 2025. They hold only at the maker's own
 * address; `prices` in the settings overrides them, and a model that is not listed has no cost.
 *
 * @module
 */
import type { Price } from "./usage.ts";

/** US dollars per million tokens, by `provider/model`. */
export const LIST_PRICES: Readonly<Record<string, Price>> = {
  "openai/gpt-4o": { input: 2.5, cached_input: 1.25, output: 10 },
  "openai/gpt-4o-mini": { input: 0.15, cached_input: 0.075, output: 0.6 },
  "openai/gpt-4.1": { input: 2, cached_input: 0.5, output: 8 },
  "openai/gpt-4.1-mini": { input: 0.4, cached_input: 0.1, output: 1.6 },
  "openai/gpt-4.1-nano": { input: 0.1, cached_input: 0.025, output: 0.4 },
  "openai/gpt-5": { input: 1.25, cached_input: 0.125, output: 10 },
  "openai/gpt-5-mini": { input: 0.25, cached_input: 0.025, output: 2 },
  "openai/gpt-5-nano": { input: 0.05, cached_input: 0.005, output: 0.4 },
  "anthropic/claude-sonnet-4-5": { input: 3, cached_input: 0.3, output: 15 },
  "anthropic/claude-haiku-4-5": { input: 1, cached_input: 0.1, output: 5 },
  "anthropic/claude-opus-4-1": { input: 15, cached_input: 1.5, output: 75 },
};
