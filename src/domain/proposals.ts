/**
 * What is proposed to whoever begins to type: an argument of a prompt, or of a template of addresses.
 *
 * @module
 */
import { z } from "zod";

/** The most values that are proposed at once. */
export const MAX_PROPOSALS = 100;

/** Values that may stand where somebody types. */
export const Proposals = z.object({
  values: z.array(z.string()).max(MAX_PROPOSALS),
  total: z.number().int().optional().describe("How many there are, where that is known"),
  has_more: z.boolean(),
}).meta({ id: "Proposals" });
/** See {@linkcode Proposals}. */
export type Proposals = z.infer<typeof Proposals>;

/** What is typed, and where. */
export interface Typed {
  /** The argument's name. */
  argument: string;
  /** The beginning of its value. */
  value: string;
  /** The values of those that are filled in already. */
  arguments: Record<string, string>;
}

/** Nothing to propose. */
export const NO_PROPOSALS: Proposals = { values: [], has_more: false };

/** Those of `known` that begin with `value`, in whatever letters. */
export function proposalsOf(known: readonly string[], value: string): Proposals {
  const begin = value.toLowerCase();
  const values = known.filter((one) => one.toLowerCase().startsWith(begin));
  const { length } = values;
  return { values: values.slice(0, MAX_PROPOSALS), total: length, has_more: length > MAX_PROPOSALS };
}
