/**
 * The little that has to be known of a JSON Schema to fill it.
 *
 * @module
 */

/** A schema, read defensively: it comes from outside. */
export interface Shape {
  type: string | null;
  nullable: boolean;
  properties: [name: string, schema: unknown][];
  required: string[];
  enum: unknown[] | null;
  schema: Record<string, unknown>;
}

const MAX_REFS = 16;

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function follow(schema: unknown, root: unknown): unknown {
  let current = schema;
  for (let i = 0; i < MAX_REFS && isObject(current) && typeof current.$ref === "string"; i++) {
    if (!current.$ref.startsWith("#")) return {};
    const path = current.$ref.slice(1).split("/").slice(1);
    current = path.reduce<unknown>((at, part) => {
      const key = decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~");
      return isObject(at) && Object.hasOwn(at, key) ? at[key] : undefined;
    }, root);
  }
  return current;
}

function merge(a: Record<string, unknown>, b: Record<string, unknown>): Record<string, unknown> {
  const properties = { ...isObject(a.properties) && a.properties, ...isObject(b.properties) && b.properties };
  const required = [a.required, b.required].flatMap((list) => Array.isArray(list) ? list : []);
  return { ...a, ...b, properties, required };
}

/** Reads `schema`, whose references are resolved in `root`. Of alternatives the first that is not null counts. */
export function toShape(schema: unknown, root: unknown, depth = 0): Shape {
  let plain = follow(schema, root);
  if (!isObject(plain)) plain = {};
  let current = plain as Record<string, unknown>;
  let nullable = false;
  for (const key of ["anyOf", "oneOf"]) {
    const options = current[key];
    if (!Array.isArray(options) || options.length === 0 || depth > MAX_REFS) continue;
    const usable = options.find((option) => !(isObject(option) && option.type === "null"));
    nullable ||= usable !== undefined && options.some((option) => isObject(option) && option.type === "null");
    const { [key]: _, ...rest } = current;
    current = merge(rest, toShape(usable, root, depth + 1).schema);
  }
  if (Array.isArray(current.allOf) && depth <= MAX_REFS) {
    const { allOf, ...rest } = current;
    current = (allOf as unknown[]).reduce<Record<string, unknown>>(
      (all, each) => merge(all, toShape(each, root, depth + 1).schema),
      rest,
    );
  }
  const types = [current.type].flat().filter((type) => typeof type === "string");
  const properties = isObject(current.properties) ? Object.entries(current.properties) : [];
  const values = "const" in current ? [current.const] : Array.isArray(current.enum) ? current.enum : null;
  return {
    type: types.find((type) => type !== "null") ?? (properties.length > 0 ? "object" : types[0] ?? null),
    nullable: nullable || types.includes("null"),
    properties,
    required: Array.isArray(current.required) ? current.required.filter((name) => typeof name === "string") : [],
    enum: values,
    schema: current,
  };
}
