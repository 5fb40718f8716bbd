/**
 * Finds a tool's arguments in a message. Nothing is made up: what is not there is missing.
 *
 * @module
 */
import { type Kind, type Material, toKey, toValue } from "./material.ts";
import { type Shape, toShape } from "./schema.ts";
import { toWords } from "../../kit/words.ts";

/** What was found. */
export interface Arguments {
  values: Record<string, unknown>;
  /** Required, and not found. */
  missing: string[];
}

/** Options for {@linkcode findArguments}. */
export interface ArgumentOptions {
  schema: Record<string, unknown>;
  material: Material;
  /** What follows the tool's name; the last resort for a single text. */
  rest?: string | undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `value` as the type wants it; undefined when it can't be. */
export function toTyped(value: unknown, shape: Shape): unknown {
  if (shape.enum) {
    const wanted = String(value).toLowerCase();
    return shape.enum.find((each) => String(each).toLowerCase() === wanted);
  }
  switch (shape.type) {
    case "string":
      return typeof value === "object" ? undefined : String(value);
    case "number":
    case "integer": {
      const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
      const fits = typeof number === "number" && Number.isFinite(number) &&
        (shape.type === "number" || Number.isInteger(number));
      return fits ? number : undefined;
    }
    case "boolean": {
      const text = String(value).toLowerCase();
      if (["true", "yes", "on"].includes(text)) return true;
      return ["false", "no", "off"].includes(text) ? false : undefined;
    }
    case "array":
      return Array.isArray(value) ? value : undefined;
    case "object":
      return isObject(value) ? value : undefined;
    default:
      return value;
  }
}

/** Which forms a text property may take, by its format and name, best first. */
function toKinds(name: string, { schema }: Shape): Kind[] {
  const about = toWords(`${name} ${typeof schema.format === "string" ? schema.format : ""}`);
  const says = (...words: string[]) => words.some((word) => about.includes(word));
  if (says("url", "uri", "link", "href")) return ["url", "quoted"];
  if (says("email", "mail")) return ["email", "quoted"];
  if (says("date", "time", "day", "since", "until")) return ["date", "quoted"];
  if (says("path", "file", "filename", "dir", "directory", "folder")) return ["path", "quoted"];
  return ["quoted", "name"];
}

function fromPools(name: string, shape: Shape, { pools, text }: Material): unknown {
  if (shape.enum) {
    const words = toWords(text);
    return shape.enum.find((value) => typeof value === "string" && words.includes(value.toLowerCase()));
  }
  switch (shape.type) {
    case "number":
    case "integer": {
      const at = pools.number.findIndex((each) => toTyped(each, shape) !== undefined);
      return at === -1 ? undefined : Number(pools.number.splice(at, 1)[0]);
    }
    case "boolean":
      return undefined;
    case "string":
    case null:
      for (const kind of toKinds(name, shape)) {
        const value = pools[kind].shift();
        if (value !== undefined) return value;
      }
      return undefined;
    default:
      return undefined;
  }
}

function fromList(shape: Shape, root: unknown, { json, pools }: Material): unknown {
  if (shape.type === "object") return json.find(isObject);
  const at = json.findIndex(Array.isArray);
  if (at !== -1) return json.splice(at, 1)[0];
  const items = toShape(shape.schema.items, root);
  if (items.type === "number" || items.type === "integer") {
    return pools.number.length > 0 ? pools.number.splice(0).map(Number) : undefined;
  }
  for (const kind of ["quoted", "path", "url"] as const) {
    if (items.type === "string" && pools[kind].length > 0) return pools[kind].splice(0);
  }
  return undefined;
}

/** `city Paris`, `amount of 3`: the value behind the property's own name. */
function fromName(name: string, shape: Shape, { text, pools }: Material): unknown {
  const words = toWords(name).join("[\\s_-]?");
  if (words === "" || words.length > 80) return undefined;
  const found = new RegExp(
    `(?<![\\p{L}\\d])${words}\\s+(?:(?:is|of|to|as)\\s+)?("[^"\\n]*"|'[^'\\n]*'|\`[^\`\\n]*\`|-?\\d[\\d.]*|\\p{Lu}[\\p{L}'-]*)`,
    "iu",
  ).exec(text)?.[1];
  // The flag that ignores the name's case must not let a small word pass for a name.
  if (found === undefined || /^\p{Ll}/u.test(found)) return undefined;
  const value = toTyped(toValue(found), shape);
  if (value === undefined) return undefined;
  for (const pool of Object.values(pools)) {
    const at = pool.indexOf(String(toValue(found)));
    if (at !== -1) pool.splice(at, 1);
  }
  return value;
}

/** The arguments for `schema` that are in the message. */
export function findArguments({ schema, material, rest }: ArgumentOptions): Arguments {
  const shape = toShape(schema, schema);
  const values: Record<string, unknown> = {};
  const whole = material.json.find((each) =>
    isObject(each) && shape.properties.some(([name]) => Object.hasOwn(each, name))
  );
  const known = isObject(whole) ? whole : {};
  const shapes = shape.properties.map(([name, each]) => [name, toShape(each, schema)] as const);
  for (const [name, each] of shapes) {
    const said = Object.hasOwn(known, name) ? known[name] : material.pairs.get(toKey(name));
    const value = said === undefined ? undefined : toTyped(said, each);
    if (value !== undefined) values[name] = value;
  }
  const open = () => shapes.filter(([name]) => !Object.hasOwn(values, name));
  for (const [name, each] of open()) {
    const value = fromName(name, each, material);
    if (value !== undefined) values[name] = value;
  }
  // What nothing names goes to what is required, in order; a lone optional property is meant too.
  const wanted = (name: string) => shape.required.includes(name) || shapes.length === 1;
  for (const [name, each] of open().filter(([name]) => wanted(name))) {
    const isList = each.type === "array" || each.type === "object";
    const value = isList ? fromList(each, schema, material) : fromPools(name, each, material);
    if (value !== undefined) values[name] = value;
  }
  for (const [name, each] of open().filter(([name]) => shape.required.includes(name))) {
    if (each.enum?.length === 1) values[name] = each.enum[0];
    else if (Object.hasOwn(each.schema, "default")) values[name] = each.schema.default;
  }
  const texts = open().filter(([name, each]) => wanted(name) && (each.type === "string" || each.type === null));
  if (texts.length === 1 && rest && !texts[0]![1].enum && Object.keys(values).length === 0) values[texts[0]![0]] = rest;
  return { values, missing: shape.required.filter((name) => !Object.hasOwn(values, name)) };
}
