/**
 * JSON Schema 2020-12.
 *
 * @module
 */

/** Checks values against schemas that come from outside. */
export interface JsonSchema {
  /** What is wrong with `value`, one line each; empty when nothing is. */
  check(schema: Record<string, unknown>, value: unknown): string[];
  /** Why nothing can be checked against `schema`; null when it can. */
  problemOf(schema: Record<string, unknown>): string | null;
}
