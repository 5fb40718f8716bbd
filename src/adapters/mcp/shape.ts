/**
 * Taking what a stranger sent apart, without trusting it.
 *
 * @module
 */
import { AnswerMalformed } from "./request_errors.ts";

/** Fields of whatever. */
export type Fields = Record<string, unknown>;

/** `value` as an object. Throws `AnswerMalformed`. */
export function toFields(value: unknown, what: string): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw new AnswerMalformed(`Its ${what} is no object`);
}

/** `value` as a list. Throws `AnswerMalformed`. */
export function toList(value: unknown, what: string): unknown[] {
  if (Array.isArray(value)) return value;
  throw new AnswerMalformed(`Its ${what} is no list`);
}

/** `value` as text. Throws `AnswerMalformed`. */
export function toText(value: unknown, what: string): string {
  if (typeof value === "string") return value;
  throw new AnswerMalformed(`Its ${what} is no text`);
}

/** Those of `names` that are text, under the names they have here. */
export function texts<K extends string>(fields: Fields, names: Record<K, string>): { [key in K]?: string } {
  const found: { [key in K]?: string } = {};
  for (const name in names) {
    const value = fields[names[name]];
    if (typeof value === "string") found[name] = value;
  }
  return found;
}
