/**
 * Makes a value that a JSON Schema allows, from what a message holds. What is not there becomes null, nothing or zero.
 *
 * @module
 */
import { findArguments, toTyped } from "./arguments.ts";
import { type Material, toKey } from "./material.ts";
import { type Shape, toShape } from "./schema.ts";

const MAX_DEPTH = 12;
const MAX_ITEMS = 100;

const FORMATS: Record<string, string> = {
  date: "1970-01-01",
  "date-time": "1970-01-01T00:00:00Z",
  time: "00:00:00Z",
  email: "unknown@example.invalid",
  uri: "about:blank",
  uuid: "00000000-0000-0000-0000-000000000000",
  ipv4: "0.0.0.0",
  ipv6: "::",
  hostname: "example.invalid",
};

function toNumber(value: unknown, fallback: number): number {
  return typeof value === "number" && Number.isFinite(value) ? value : fallback;
}

function emptyText({ schema }: Shape): string {
  const format = typeof schema.format === "string" ? FORMATS[schema.format] : undefined;
  if (format !== undefined) return format;
  const shortest = Math.min(toNumber(schema.minLength, 0), 1000);
  return shortest === 0 ? "" : "unknown".slice(0, toNumber(schema.maxLength, 7)).padEnd(shortest, ".");
}

function emptyNumber({ type, schema }: Shape): number {
  const step = type === "integer" ? 1 : Number.EPSILON;
  const low = Math.max(
    toNumber(schema.minimum, -Infinity),
    toNumber(schema.exclusiveMinimum, -Infinity) + (type === "integer" ? 1 : 1e-6),
  );
  const high = Math.min(
    toNumber(schema.maximum, Infinity),
    toNumber(schema.exclusiveMaximum, Infinity) - (type === "integer" ? 1 : 1e-6),
  );
  const unit = toNumber(schema.multipleOf, step);
  const value = Math.min(Math.max(0, low), high);
  return unit === Number.EPSILON ? value : Math.ceil(value / unit) * unit;
}

class Filler {
  readonly #root: Record<string, unknown>;
  readonly #material: Material;
  /** The text for properties that want an answer. */
  readonly #answer: string;

  constructor(root: Record<string, unknown>, material: Material, answer: string) {
    this.#root = root;
    this.#material = material;
    this.#answer = answer;
  }

  fill(schema: unknown, name: string, depth: number): unknown {
    const shape = toShape(schema, this.#root);
    const said = name === "" ? undefined : this.#material.pairs.get(toKey(name));
    const value = said === undefined ? undefined : toTyped(said, shape);
    if (value !== undefined) return value;
    if (Object.hasOwn(shape.schema, "default")) return shape.schema.default;
    if (shape.enum && !shape.nullable) return shape.enum[0];
    switch (depth > MAX_DEPTH ? "null" : shape.type) {
      case "object":
        return this.#object(shape, depth);
      case "array": {
        const count = Math.min(toNumber(shape.schema.minItems, 0), MAX_ITEMS);
        return Array.from({ length: count }, () => this.fill(shape.schema.items, "", depth + 1));
      }
      case "string":
        if (/^(?:answer|text|message|content|summary|response|result|reply|output)$/i.test(name)) {
          return this.#answer.slice(0, toNumber(shape.schema.maxLength, Infinity))
            .padEnd(Math.min(toNumber(shape.schema.minLength, 0), 1000), ".");
        }
        return shape.nullable ? null : emptyText(shape);
      case "number":
      case "integer":
        return shape.nullable ? null : emptyNumber(shape);
      case "boolean":
        return shape.nullable ? null : false;
      default:
        return null;
    }
  }

  #object(shape: Shape, depth: number): Record<string, unknown> {
    const found = depth === 0 ? findArguments({ schema: shape.schema, material: this.#material }).values : {};
    const properties = new Map(shape.properties);
    const value: Record<string, unknown> = {};
    for (const name of new Set([...properties.keys(), ...shape.required])) {
      if (Object.hasOwn(found, name)) value[name] = found[name];
      else if (shape.required.includes(name)) value[name] = this.fill(properties.get(name), name, depth + 1);
    }
    return value;
  }
}

/** A value for `schema`; `answer` goes into a property of such a name. */
export function fillSchema(schema: Record<string, unknown>, material: Material, answer: string): unknown {
  return new Filler(schema, material, answer).fill(schema, "", 0);
}
