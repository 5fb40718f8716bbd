/**
 * Arguments of a tool, from words of the command line.
 *
 * @module
 */
import type { Sources } from "../derived/sources.ts";
import { UsageError } from "../given.ts";
import { splitPair } from "./pairs.ts";

type Schema = Readonly<Record<string, unknown>>;

const WANTED = "NAME=VALUE (with quotes around a VALUE of several words), or all arguments as JSON, @FILE or -";

function typesOf(schema: Schema | undefined): readonly unknown[] {
  return schema?.type === undefined ? [] : [schema.type].flat();
}

function toNumber(name: string, text: string): number {
  if (/^-?\d+(\.\d+)?(e[-+]?\d+)?$/i.test(text)) return Number(text);
  throw new UsageError(`The argument "${name}" wants a number, not "${text}"`);
}

function toJson(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UsageError(`The argument "${name}" wants JSON, not "${text}"`);
  }
}

/** A value as `schema` wants it; where that says nothing, JSON is taken for JSON and all else for text. */
function toValue(name: string, text: string, schema: Schema | undefined): unknown {
  const types = typesOf(schema);
  if (types.includes("string")) return text;
  if (types.includes("number") || types.includes("integer")) return toNumber(name, text);
  if (types.includes("boolean")) {
    if (text === "true" || text === "false") return text === "true";
    throw new UsageError(`The argument "${name}" wants true or false, not "${text}"`);
  }
  if (types.length > 0) return toJson(name, text);
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Reads `words` as arguments for a tool whose arguments `schema` describes. */
export async function toArguments(
  words: readonly string[],
  { schema, sources }: { schema: Schema; sources: Sources },
): Promise<Record<string, unknown>> {
  const [first = "", second] = words;
  if (second === undefined && /^([{@]|-$)/.test(first)) {
    const whole = await sources.json(first, "the arguments");
    if (typeof whole === "object" && whole !== null && !Array.isArray(whole)) return { ...whole };
    throw new UsageError("Cannot use the arguments: want an object");
  }
  const properties = (schema.properties ?? {}) as Record<string, Schema>;
  const args: Record<string, unknown> = {};
  for (const word of words) {
    const [name, value] = splitPair(word, WANTED);
    const text = await sources.text(value, `the argument ${name}`);
    const property = properties[name];
    const list = typesOf(property).includes("array") && !text.trimStart().startsWith("[");
    if (!list) args[name] = toValue(name, text, property);
    else args[name] = [...args[name] as unknown[] ?? [], toValue(name, text, property?.items as Schema | undefined)];
  }
  return args;
}
