/**
 * The settings as a list: what the schema says of each of them.
 *
 * @module
 */
import { z } from "zod";
import { Settings } from "./schema.ts";

/** What a setting's value is. */
export type SettingKind = "text" | "number" | "flag" | "choice" | "list" | "map";

/** One setting. */
export interface Setting {
  /** Its place, such as `server.port`. */
  path: string;
  kind: SettingKind;
  secret: boolean;
  /** Whether a change takes effect without a restart. */
  reloadable: boolean;
  /** One line of why. */
  why: string;
  schema: z.ZodType;
}

/** A group of settings. */
export interface Section {
  path: string;
  why: string;
  /** Whether names that the schema doesn't list are taken too, such as those of further providers. */
  open: boolean;
}

interface Tree {
  settings: ReadonlyMap<string, Setting>;
  sections: ReadonlyMap<string, Section>;
}

const KINDS: Record<string, SettingKind> = {
  string: "text",
  number: "number",
  boolean: "flag",
  enum: "choice",
  array: "list",
  record: "map",
};

function unwrap(schema: z.ZodType): z.ZodType {
  let inner = schema;
  while (inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault) inner = inner.def.innerType as z.ZodType;
  return inner;
}

function toTree(root: z.ZodType, prefix = "", inherited = false): Tree {
  const settings = new Map<string, Setting>();
  const sections = new Map<string, Section>();
  const walk = (schema: z.ZodType, path: string, above: boolean) => {
    const inner = unwrap(schema);
    const meta = { ...inner.meta(), ...schema.meta() };
    const reloadable = above || meta.reloadable === true;
    const why = meta.description ?? "";
    if (inner instanceof z.ZodObject) {
      const open = inner.def.catchall instanceof z.ZodObject;
      if (path !== "") sections.set(path, { path, why, open });
      for (const [name, child] of Object.entries(inner.shape)) {
        walk(child as z.ZodType, path === "" ? name : `${path}.${name}`, reloadable);
      }
    } else {
      const kind = KINDS[inner.def.type] ?? "text";
      settings.set(path, { path, kind, secret: meta.secret === true, reloadable, why, schema });
    }
  };
  walk(root, prefix, inherited);
  return { settings, sections };
}

const TREE = toTree(Settings);
const PROVIDER = /^providers\.([a-z0-9][a-z0-9_-]{0,63})(?:\.(\w+))?$/;

/** Every setting the schema names, in its order. */
export function listSettings(): Setting[] {
  return [...TREE.settings.values()];
}

/** Every section, in the schema's order. */
export function listSections(): Section[] {
  return [...TREE.sections.values()];
}

/** The setting at `path`; also of a provider that the schema doesn't name. */
export function findSetting(path: string): Setting | undefined {
  const known = TREE.settings.get(path);
  if (known !== undefined) return known;
  const [, name, field] = PROVIDER.exec(path) ?? [];
  if (name === undefined || TREE.sections.has(`providers.${name}`)) return undefined;
  const model = TREE.settings.get(`providers.openai.${field}`);
  return model && { ...model, path };
}

/** Whether settings are grouped under `path`. */
export function isSection(path: string): boolean {
  return TREE.sections.has(path) || (PROVIDER.exec(path)?.[2] === undefined && PROVIDER.test(path));
}

/** The value at `path` in a nested object. */
export function valueAt(tree: unknown, path: string): unknown {
  let value = tree;
  for (const name of path.split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

/** Puts `value` at `path` into a nested object, which it changes. */
export function putAt(tree: Record<string, unknown>, path: string, value: unknown): void {
  const names = path.split(".");
  const last = names.pop()!;
  let at = tree;
  for (const name of names) {
    if (!Object.hasOwn(at, name)) at[name] = {};
    at = at[name] as Record<string, unknown>;
  }
  at[last] = value;
}

/** Every setting of `settings`, those of further providers among them. */
export function settingsOf(settings: Settings): Setting[] {
  const further = Object.keys(settings.providers).filter((name) => !TREE.sections.has(`providers.${name}`));
  const named = listSettings();
  const end = named.findLastIndex(({ path }) => path.startsWith("providers.")) + 1;
  const more = further.flatMap((name) =>
    ["api_key", "base_url", "pictures"].map((field) => `providers.${name}.${field}`)
  );
  return [...named.slice(0, end), ...more.map((path) => findSetting(path)!), ...named.slice(end)];
}

/** What `setting` may be, in words. */
export function wantedOf({ kind, schema }: Setting): string {
  if (kind === "flag") return "true or false";
  if (kind === "list") return "a list, or its parts separated by commas";
  if (kind === "map") return "a map; in variables and flags as JSON";
  const shape = z.toJSONSchema(schema) as { type?: string; minimum?: number; maximum?: number; enum?: string[] };
  if (kind === "choice") return `one of ${(shape.enum ?? []).map((one) => `"${one}"`).join(", ")}`;
  if (kind === "text") return "text, in quotes where it looks like something else";
  const noun = shape.type === "integer" ? "a whole number" : "a number";
  const endless = shape.maximum === undefined || shape.maximum >= 1_000_000_000;
  return endless ? `${noun} of ${shape.minimum} or more` : `${noun} from ${shape.minimum} to ${shape.maximum}`;
}
