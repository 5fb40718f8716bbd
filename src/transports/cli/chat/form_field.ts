/**
 * The fields of a form: what a schema wants of a person, and what a typed line means.
 *
 * @module
 */

/** One of several values, with the words for it. */
export interface Choice {
  value: unknown;
  title: string;
}

/** What is to be filled in. */
export interface Field {
  name: string;
  title: string;
  description: string;
  required: boolean;
  /** What stands in it if nobody says otherwise; undefined: nothing. */
  preset: unknown;
  /** What may stand in it, in words. */
  type: string;
  /** What may be chosen; undefined where anything of the type may be typed. */
  choices?: Choice[];
  /** What a line means. Throws `FieldError`. */
  read(text: string): unknown;
}

/** Says what is wrong with a line. */
export class FieldError extends Error {
  override readonly name = "FieldError";
}

type Schema = Record<string, unknown>;

/** What a line means, and the words for what it may be. */
type Reading = Pick<Field, "type" | "read" | "choices">;

const YES = new Set(["y", "yes", "true", "1"]);
const NO = new Set(["n", "no", "false", "0"]);

const FORMATS: Readonly<Record<string, { words: string; fits(text: string): boolean }>> = {
  email: { words: "an e-mail address", fits: (text) => /^[^\s@]+@[^\s@]+$/.test(text) },
  uri: { words: "an address such as https://example.com", fits: (text) => URL.canParse(text) },
  date: { words: "a date such as 2026-12-31", fits: (text) => /^\d{4}-\d\d-\d\d$/.test(text) && isTime(text) },
  "date-time": {
    words: "a time such as 2026-12-31T12:00:00Z",
    fits: (text) => /^\d{4}-\d\d-\d\dT/i.test(text) && isTime(text),
  },
};

function isTime(text: string): boolean {
  return !Number.isNaN(Date.parse(text));
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The fields of the form that `schema` describes. */
export function toFields(schema: Schema): Field[] {
  const { properties, required } = schema;
  const needed = new Set(Array.isArray(required) ? required : []);
  return Object.entries(isSchema(properties) ? properties : {}).map(([name, given]) => {
    const property = isSchema(given) ? given : {};
    const { title, description, default: preset } = property;
    return {
      name,
      title: typeof title === "string" ? title : name,
      description: typeof description === "string" ? description : "",
      required: needed.has(name),
      preset,
      ...toReading(property),
    };
  });
}

function toReading(property: Schema): Reading {
  const { type, items } = property;
  const choices = toChoices(property);
  if (choices) return { type: "one of them", choices, read: (text) => choose(text, choices) };
  const several = type === "array" && isSchema(items) ? toChoices(items) : undefined;
  if (several) return toSeveral(property, several);
  switch (type) {
    case "boolean":
      return { type: "yes or no", read: toBoolean };
    case "integer":
    case "number":
      return toNumber(property);
    case "string":
      return toText(property);
    default:
      return { type: "JSON", read: toJson };
  }
}

/** What `enum`, with or without names, or a list of constants with titles lets choose. */
function toChoices({ enum: values, enumNames: names, oneOf, anyOf }: Schema): Choice[] | undefined {
  if (Array.isArray(values)) {
    const titles = Array.isArray(names) ? names : [];
    return values.map((value, i) => ({ value, title: String(titles[i] ?? value) }));
  }
  const list = Array.isArray(oneOf) ? oneOf : anyOf;
  if (!Array.isArray(list) || !list.every((one) => isSchema(one) && "const" in one)) return undefined;
  return list.map(({ const: value, title }) => ({ value, title: String(title ?? value) }));
}

/** By number, or as its title or value stands there. */
function choose(text: string, choices: readonly Choice[]): unknown {
  const same = (word: string) => word.toLowerCase() === text.toLowerCase();
  const named = choices.find(({ value, title }) => same(title) || same(String(value)));
  const found = named ?? (/^\d+$/.test(text) ? choices[Number(text) - 1] : undefined);
  if (!found) throw new FieldError(`"${text}" is none of them: want a number from 1 to ${choices.length}, or its name`);
  return found.value;
}

function toSeveral({ minItems: least = 0, maxItems: most = Infinity }: Schema, choices: Choice[]): Reading {
  return {
    type: `${between(least, most, "of them")}, separated by commas`,
    choices,
    read(text) {
      const words = text.split(",").map((word) => word.trim()).filter((word) => word !== "");
      const values = [...new Set(words.map((word) => choose(word, choices)))];
      if (values.length < Number(least) || values.length > Number(most)) {
        throw new FieldError(`These are ${values.length}: want ${between(least, most, "of them")}`);
      }
      return values;
    },
  };
}

function toBoolean(text: string): boolean {
  const word = text.toLowerCase();
  if (YES.has(word)) return true;
  if (NO.has(word)) return false;
  throw new FieldError(`"${text}" is neither: want yes or no`);
}

function toNumber({ type, minimum: least = -Infinity, maximum: most = Infinity }: Schema): Reading {
  const noun = type === "integer" ? "a whole number" : "a number";
  const words = least === -Infinity && most === Infinity ? noun : `${noun}, ${between(least, most)}`;
  return {
    type: words,
    read(text) {
      const value = Number(text);
      const isOfType = type === "integer" ? Number.isSafeInteger(value) : Number.isFinite(value);
      if (isOfType && value >= Number(least) && value <= Number(most)) return value;
      throw new FieldError(`"${text}" doesn't fit: want ${words}`);
    },
  };
}

function toText({ format, minLength: least = 0, maxLength: most = Infinity }: Schema): Reading {
  const known = typeof format === "string" && Object.hasOwn(FORMATS, format) ? FORMATS[format] : undefined;
  const size = least === 0 && most === Infinity ? "" : `, ${between(least, most, "characters")}`;
  return {
    type: (known?.words ?? "text") + size,
    read(text) {
      if (known && !known.fits(text)) throw new FieldError(`"${text}" doesn't fit: want ${known.words}`);
      // As JSON Schema counts them.
      const { length } = [...text];
      if (length >= Number(least) && length <= Number(most)) return text;
      throw new FieldError(`These are ${length} characters: want ${between(least, most, "characters")}`);
    },
  };
}

function toJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new FieldError(`This is no JSON: want something like {"name": "value"}, 7 or "text"`);
  }
}

/** A range in words. */
function between(least: unknown, most: unknown, noun = ""): string {
  const [from, to] = [Number(least), Number(most)];
  const range = from === to
    ? `exactly ${from}`
    : to === Infinity
    ? `at least ${from}`
    : from <= 0 && noun !== "" || from === -Infinity
    ? `at most ${to}`
    : `${from} to ${to}`;
  return noun === "" ? range : `${range} ${noun}`;
}
