/**
 * What is wrong with an input, for people.
 *
 * @module
 */
import type { z } from "zod";

const BY_DEFAULT = /^Invalid string: must match pattern /;
/** Ids that are made here: `run_…`. */
const MADE = /^\/\^([a-z]+_)\[/;
const SIMPLE = /^\/\^(?:\(\?![^)]*\))?\[(?:\\w|a-z0-9|a-zA-Z0-9)[^\]]*\]/;

/** The words of an issue. A pattern says nothing to people. */
export function toWords(issue: z.core.$ZodIssue): string {
  const { code, message } = issue;
  if (code !== "invalid_format" || !BY_DEFAULT.test(message)) return message;
  const pattern = issue.pattern ?? "";
  const prefix = MADE.exec(pattern)?.[1];
  if (prefix !== undefined) return `want an id, which begins with ${prefix}`;
  return SIMPLE.test(pattern) ? "want letters, digits, - and _, and not too many" : "it can't have this form";
}
