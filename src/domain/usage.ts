/**
 * What model calls used.
 *
 * @module
 */
import { z } from "zod";

/** Tokens, and their price where it is known (US dollars). */
export const Usage = z.object({
  input_tokens: z.number().int(),
  output_tokens: z.number().int(),
  reasoning_tokens: z.number().int().optional(),
  cached_input_tokens: z.number().int().optional(),
  total_tokens: z.number().int(),
  cost: z.number().nullable(),
}).meta({ id: "Usage" });
/** See {@linkcode Usage}. */
export type Usage = z.infer<typeof Usage>;

/** Nothing used yet. */
export const NO_USAGE: Usage = { input_tokens: 0, output_tokens: 0, total_tokens: 0, cost: null };

/** The sum of both. A cost that is unknown on one side counts as nothing. */
export function addUsage(a: Usage, b: Usage): Usage {
  const sum: Usage = {
    input_tokens: a.input_tokens + b.input_tokens,
    output_tokens: a.output_tokens + b.output_tokens,
    total_tokens: a.total_tokens + b.total_tokens,
    cost: a.cost === null && b.cost === null ? null : (a.cost ?? 0) + (b.cost ?? 0),
  };
  const reasoning = (a.reasoning_tokens ?? 0) + (b.reasoning_tokens ?? 0);
  const cached = (a.cached_input_tokens ?? 0) + (b.cached_input_tokens ?? 0);
  if (reasoning > 0) sum.reasoning_tokens = reasoning;
  if (cached > 0) sum.cached_input_tokens = cached;
  return sum;
}
