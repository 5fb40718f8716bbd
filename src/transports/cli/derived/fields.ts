/**
 * The input of an operation, as options.
 *
 * @module
 */
import { z } from "zod";
import type { Operation } from "../../../operations/operation.ts";
import type { OptionSpec } from "../command.ts";
import { generalOptions, remoteOptions, settingOptions } from "../options.ts";

/** What a field's text is made into. `long`: a text that may be a file's. `any`: JSON where it is some. */
export type FieldKind = "text" | "long" | "number" | "flag" | "json" | "any";

/** Makes help of what an operation says of itself. */
type ToText = (said: string) => string;

/** What is said, as it is where nothing can be set in another type. */
function withoutMarks(said: string): string {
  return said.replaceAll("`", "");
}

/** A field of an input, and the option that gives it. */
export interface Field {
  /** Where it is in the input. */
  path: readonly string[];
  kind: FieldKind;
  /** A list, of which each value of the option is one item. */
  list: boolean;
  option: OptionSpec;
  /** A value as it might be, where the schema gives one. */
  example?: string;
}

/** What of JSON Schema counts here. */
interface Schema {
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  default?: unknown;
  description?: string;
  format?: string;
  minimum?: number;
  maximum?: number;
  maxLength?: number;
  pattern?: string;
  examples?: unknown[];
  $ref?: string;
  $defs?: Record<string, Schema>;
}

/** What the list of processes must not show: it comes with the whole object, from a file or the standard input. */
const SECRET = /(^|_)(api_key|key|secret|password|token)$/;
/** Texts that may be longer than this come from files rather than from a command line. */
const LONG = 5_000;
/** The most fields of an object that are named in a line of help. */
const MAX_NAMED = 8;
/** What a schema says where it means "any whole number". */
const ENDLESS = Number.MAX_SAFE_INTEGER;

/** The fields that stand in an operation's path, in its order. */
export function pathFieldsOf({ http }: Operation): string[] {
  return [...http.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!);
}

function toOptionName(path: readonly string[]): string {
  return path.join(".").replaceAll("_", "-");
}

function kindOf(schema: Schema): FieldKind {
  const { type, anyOf, maxLength = 0 } = schema;
  if (type === "boolean") return "flag";
  if (type === "number" || type === "integer") return "number";
  if (type === "string" || schema.const !== undefined || schema.enum) return maxLength > LONG ? "long" : "text";
  if (anyOf?.every((one) => kindOf(one) === "text")) return "text";
  return anyOf?.some((one) => kindOf(one) === "text") ? "any" : "json";
}

function toRange({ type, minimum, maximum }: Schema): string[] {
  if (type !== "number" && type !== "integer") return [];
  const least = minimum !== undefined && minimum > -ENDLESS ? minimum : undefined;
  const most = maximum !== undefined && maximum < ENDLESS ? maximum : undefined;
  if (least !== undefined && most !== undefined) return [`from ${least} to ${most}`];
  return least !== undefined ? [`${least} or more`] : [];
}

function toPlaceholder(kind: FieldKind, { format }: Schema, path: readonly string[]): string {
  const name = path.at(-1)!;
  if (kind === "number") return "N";
  if (kind === "json") return "JSON";
  if (format === "date-time") return "TIME";
  if (format === "uri") return "URL";
  return kind === "long" ? "TEXT" : name.replace(/^.*[_.-]/, "").toUpperCase();
}

function toFallback(value: unknown): string | undefined {
  if (value === undefined || value === "") return undefined;
  if (typeof value === "boolean") return value ? "yes" : "no";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text === "{}" || text === "[]" ? undefined : text;
}

/** A first sentence for what nobody described. */
function toSummary(path: readonly string[]): string {
  const words = path.at(-1)!.replaceAll("_", " ").replaceAll(/\b(id|url|mcp|sdp)\b/gi, (word) => word.toUpperCase());
  return `${words[0]!.toUpperCase()}${words.slice(1)}`;
}

const FROM_FILE: Partial<Record<FieldKind, string>> = {
  long: "@FILE or - reads it",
  json: "JSON, @FILE or -",
  any: "text or JSON",
};

/** The fields of an object; those with a question mark may be left out. */
function toShape(kind: FieldKind, { properties = {}, required = [] }: Schema): string | undefined {
  const names = Object.keys(properties);
  if (kind !== "json" || names.length === 0 || names.length > MAX_NAMED) return FROM_FILE[kind];
  const fields = names.map((name) => required.includes(name) ? name : `${name}?`).join(", ");
  return `{${fields}} as ${FROM_FILE[kind]}`;
}

/** An object as the schema has it, or an id of the kind that is wanted. */
function exampleOf(kind: FieldKind, { examples, pattern }: Schema): { example?: string } {
  if (kind === "json") return examples ? { example: JSON.stringify(examples[0]) } : {};
  const prefix = prefixOf(pattern);
  return prefix === undefined ? {} : { example: `${prefix}01…` };
}

/** What ids begin with that fit a pattern. */
function prefixOf(pattern: string | undefined): string | undefined {
  return /^\^([a-z]+_)\[/.exec(pattern ?? "")?.[1];
}

/** Reads the schema of one input. */
class Reader {
  readonly #root: Schema;
  readonly #toText: ToText;

  constructor(root: Schema, toText: ToText) {
    this.#root = root;
    this.#toText = toText;
  }

  fields(): Field[] {
    const { properties = {}, required = [] } = this.#root;
    return Object.entries(properties).flatMap(([name, schema]) => this.#fieldsOf([name], schema, required));
  }

  #resolve(schema: Schema): Schema {
    const name = schema.$ref?.match(/^#\/\$defs\/(.+)$/)?.[1];
    return name === undefined ? schema : { ...this.#root.$defs?.[name], ...schema };
  }

  #fieldsOf(path: readonly string[], given: Schema, required: readonly string[]): Field[] {
    const resolved = this.#resolve(given);
    const { schema, nullable } = this.#withoutNull(resolved);
    const list = schema.type === "array";
    const item = list ? this.#resolve(schema.items ?? {}) : schema;
    const kind = kindOf(item);
    const own: Field = {
      path,
      kind,
      list,
      option: this.#option(path, { schema, item, kind, list, nullable, required }),
      ...exampleOf(kind, item),
    };
    return [own, ...path.length === 1 && kind === "json" && !list ? this.#inside(path, schema) : []];
  }

  /** What a schema says apart from that null is fine, too. */
  #withoutNull(schema: Schema): { schema: Schema; nullable: boolean } {
    const { anyOf, type, ...rest } = schema;
    if (Array.isArray(type)) {
      const [one, ...others] = type.filter((name) => name !== "null");
      const nullable = others.length + 1 < type.length;
      return { schema: others.length === 0 && one !== undefined ? { ...schema, type: one } : schema, nullable };
    }
    const parts = anyOf?.filter((one) => one.type !== "null").map((one) => this.#resolve(one));
    const nullable = parts !== undefined && parts.length < anyOf!.length;
    return { schema: parts?.length === 1 ? { ...rest, ...parts[0] } : schema, nullable };
  }

  /** Plain fields of an object, where those alone can make one. */
  #inside(path: readonly string[], { properties = {}, required = [] }: Schema): Field[] {
    const fields = Object.entries(properties).flatMap(([name, schema]) =>
      this.#fieldsOf([...path, name], schema, required)
    );
    const whole = required.every((name) => fields.some(({ path: at, kind }) => at.at(-1) === name && kind !== "json"));
    const plain = fields.filter(({ kind, path: at }) => kind !== "json" && kind !== "any" && !SECRET.test(at.at(-1)!));
    return whole ? plain : [];
  }

  #option(
    path: readonly string[],
    { schema, item, kind, list, nullable, required }: {
      schema: Schema;
      item: Schema;
      kind: FieldKind;
      list: boolean;
      nullable: boolean;
      required: readonly string[];
    },
  ): OptionSpec {
    const flag = kind === "flag" && !list;
    // An object that is alone has options for what is in it.
    const shape = list ? toShape(kind, this.#withoutNull(item).schema) : FROM_FILE[kind];
    const facts = [...toRange(item), shape].filter((fact) => fact !== undefined);
    const summary = this.#toText(schema.description ?? toSummary(path));
    const values = item.enum ?? (item.const === undefined ? undefined : [item.const]);
    const fallback = toFallback(schema.default);
    return {
      name: toOptionName(path),
      summary: facts.length === 0 ? summary : `${summary}: ${facts.join(", ")}`,
      ...!flag && { value: toPlaceholder(kind, item, path) },
      ...fallback !== undefined && { fallback },
      ...required.includes(path.at(-1)!) && path.length === 1 && { required: true },
      ...list && { repeated: true },
      ...(flag || nullable) && { negatable: true },
      ...values !== undefined && { wanted: values.map(String) },
    };
  }
}

/** Every field of an operation's input that is neither in its path nor its bytes; `toText` makes help of what it says. */
export function fieldsOf(op: Operation, { toText = withoutMarks }: { toText?: ToText } = {}): Field[] {
  const schema = z.toJSONSchema(op.input, { io: "input", unrepresentable: "any" }) as Schema;
  const elsewhere = new Set([...pathFieldsOf(op), op.upload]);
  return new Reader(schema, toText).fields().filter(({ path }) => !elsewhere.has(path[0]!)).map((field) => {
    const { option } = field;
    return TAKEN.has(option.name) ? { ...field, option: { ...option, name: `${nounOf(op)}-${option.name}` } } : field;
  });
}

/** Options that say where and how commands work: a field of such a name says whose it is. */
const TAKEN: ReadonlySet<string> = new Set(
  [...remoteOptions({ connects: true }), ...settingOptions({ connects: true }), ...generalOptions({})]
    .map(({ name }) => name),
);

/** What an operation is about, in one word: `mcp_server_add` is about a server. */
function nounOf({ id }: Operation): string {
  return id.split("_").at(-2)!;
}

/** A field in the path. */
export interface PathField {
  name: string;
  summary?: string;
  /** What its ids begin with, such as `run_`. */
  prefix?: string;
}

/** What is said of the fields in the path, in its order. */
export function pathFacts(op: Operation): PathField[] {
  const { properties = {} } = z.toJSONSchema(op.input, { io: "input", unrepresentable: "any" }) as Schema;
  return pathFieldsOf(op).map((name) => {
    const { description, pattern, anyOf = [] } = properties[name] ?? {};
    const patterns = [pattern, ...anyOf.map((one) => one.pattern)];
    const prefix = patterns.map(prefixOf).find((one) => one !== undefined);
    return {
      name,
      ...description !== undefined && { summary: description.replaceAll("`", "") },
      ...prefix !== undefined && { prefix },
    };
  });
}
