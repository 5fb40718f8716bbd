/**
 * JSON Schema by `@cfworker/json-schema`: it interprets, so that nothing from outside is ever made into code. Whatever
 * cannot be checked within bounds counts as wrong.
 *
 * @module
 */
import type { OutputUnit } from "@cfworker/json-schema";
import type { JsonSchema } from "../../ports/json_schema.ts";
import { CompiledSchema, TooMuch, toPatternOf } from "./compile.ts";

const MAX_LINES = 20;
const MAX_VALUES = 100_000;
const MAX_DEPTH = 100;
/** Items that may be compared with each other. */
const MAX_UNIQUE = 1_000;

/** Errors that only say that an error is further down. */
const WRAPPERS = new Set([
  "properties",
  "patternProperties",
  "additionalProperties",
  "unevaluatedProperties",
  "items",
  "prefixItems",
  "additionalItems",
  "unevaluatedItems",
  "$ref",
  "$recursiveRef",
  "allOf",
  "if",
  "then",
  "else",
  "dependentSchemas",
]);

/** What the package says where people would say something else. */
const MISSING = /^Instance does not have required property "(.*)"\.?$/s;
const WRONG_TYPE = /^Instance type "(\w+)" is invalid\. Expected (.*?)\.?$/s;

function toLine({ instanceLocation, keyword, error }: OutputUnit): string {
  const isWhole = instanceLocation === "#";
  const place = isWhole ? "The value" : `"${decodeURIComponent(instanceLocation.slice(1))}"`;
  if (keyword === "false") return `${place} is not allowed`;
  const missing = MISSING.exec(error)?.[1];
  if (missing !== undefined) return `${isWhole ? "" : `${place}: `}"${missing}" is missing`;
  const [, is, wanted] = WRONG_TYPE.exec(error) ?? [];
  if (is !== undefined) return `${place}: it is of the type ${is}: want ${wanted!.replaceAll('"', "")}`;
  const pattern = keyword === "format" ? toPatternOf(error) : null;
  if (pattern !== null) return `${place}: String does not match pattern "${pattern}"`;
  return `${place}: ${error.replace(/\.$/, "")}`;
}

function toLines(errors: OutputUnit[]): string[] {
  const leaves = errors.filter(({ keyword }) => !WRAPPERS.has(keyword));
  const lines = [...new Set((leaves.length > 0 ? leaves : errors).map(toLine))];
  return lines.length <= MAX_LINES ? lines : [...lines.slice(0, MAX_LINES), `and ${lines.length - MAX_LINES} more`];
}

/** Whether `value` is small enough to be looked at. Throws {@linkcode TooMuch}. */
function measure(value: unknown, schema: CompiledSchema): void {
  let count = 0;
  schema.longest = 0;
  const walk = (each: unknown, depth: number) => {
    if (++count > MAX_VALUES || depth > MAX_DEPTH) throw new TooMuch("the value is too large");
    if (typeof each === "string" && each.length > schema.longest) schema.longest = each.length;
    if (typeof each !== "object" || each === null) return;
    if (Array.isArray(each)) {
      if (schema.unique && each.length > MAX_UNIQUE) {
        throw new TooMuch(`a list of ${each.length} items is too long to be searched for doubles (${MAX_UNIQUE})`);
      }
      for (const item of each) walk(item, depth + 1);
      return;
    }
    for (const name of Object.keys(each)) {
      if (name.length > schema.nameLimit) throw new TooMuch("a property's name is too long for its pattern");
      walk((each as Record<string, unknown>)[name], depth + 1);
    }
  };
  walk(value, 0);
}

class BoundedJsonSchema implements JsonSchema {
  /** A tool's schema is an object that lives as long as the tool. */
  readonly #compiled = new WeakMap<Record<string, unknown>, CompiledSchema | Error>();

  check(schema: Record<string, unknown>, value: unknown): string[] {
    try {
      const compiled = this.#compile(schema);
      measure(value, compiled);
      const errors = compiled.run(value);
      return errors.length === 0 ? [] : toLines(errors);
    } catch (error) {
      return [`Cannot check the value: ${toReason(error)}`];
    }
  }

  problemOf(schema: Record<string, unknown>): string | null {
    try {
      this.#compile(schema).run({});
      return null;
    } catch (error) {
      return toReason(error);
    }
  }

  #compile(schema: Record<string, unknown>): CompiledSchema {
    const known = this.#compiled.get(schema);
    if (known instanceof CompiledSchema) return known;
    // What can't be compiled is not tried again and again: that alone may take long.
    if (known !== undefined) throw known;
    try {
      const compiled = new CompiledSchema(schema);
      this.#compiled.set(schema, compiled);
      return compiled;
    } catch (error) {
      this.#compiled.set(schema, error as Error);
      throw error;
    }
  }
}

function toReason(error: unknown): string {
  if (error instanceof TooMuch) return error.message;
  if (error instanceof RangeError) return "the schema refers to itself without end";
  const message = error instanceof Error ? error.message : "";
  const reference = /^Unresolved \$ref "([^"\n]{0,200})/.exec(message)?.[1];
  if (reference !== undefined) return `the schema refers to "${reference}", which it does not hold`;
  return error instanceof SyntaxError ? `the schema has a pattern that is none: ${message}` : "the schema is not valid";
}

/** Builds a checker whose time is bounded, whoever wrote the schema. */
export function createJsonSchema(): JsonSchema {
  return new BoundedJsonSchema();
}
