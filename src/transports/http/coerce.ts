/**
 * Text of a query or a path, as the types an operation declares.
 *
 * @module
 */
import { z } from "zod";

type Convert = (text: string) => unknown;

/** The type inside what may be absent or have a default. */
function bare(schema: z.ZodType): z.ZodType {
  let inner = schema;
  while (inner instanceof z.ZodOptional || inner instanceof z.ZodDefault || inner instanceof z.ZodNullable) {
    inner = inner.unwrap() as z.ZodType;
  }
  return inner;
}

function toNumber(text: string): unknown {
  // What is no number is left as it is, so that the schema complains about what was sent.
  return /^-?\d{1,20}(\.\d{1,20})?$/.test(text) ? Number(text) : text;
}

function toBoolean(text: string): unknown {
  return text === "true" ? true : text === "false" ? false : text;
}

function toJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function converterOf(schema: z.ZodType): Convert {
  const inner = bare(schema);
  if (inner instanceof z.ZodNumber) return toNumber;
  if (inner instanceof z.ZodBoolean) return toBoolean;
  if (inner instanceof z.ZodObject || inner instanceof z.ZodRecord) return toJson;
  return (text) => text;
}

/** Turns names and texts into an operation's input. Lists come repeated or with commas. */
export function createCoercion(input: z.ZodObject): (name: string, texts: readonly string[]) => unknown {
  const converters = new Map<string, (texts: readonly string[]) => unknown>();
  for (const [name, schema] of Object.entries(input.shape)) {
    const inner = bare(schema as z.ZodType);
    if (inner instanceof z.ZodArray) {
      const convert = converterOf(inner.element as z.ZodType);
      converters.set(name, (texts) => texts.flatMap((text) => text.split(",")).map(convert));
    } else {
      const convert = converterOf(schema as z.ZodType);
      // Said twice is said unclearly: the schema refuses the list.
      converters.set(name, (texts) => texts.length === 1 ? convert(texts[0]!) : texts);
    }
  }
  return (name, texts) => converters.get(name)?.(texts) ?? texts[0];
}
