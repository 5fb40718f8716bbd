/**
 * Loads the settings: flags beat the environment, which beats the file of
 * settings, which beats the defaults. The only reader of the environment.
 *
 * @module
 */
import type { z } from "zod";
import { AppError } from "./domain/error.ts";
import { findContradictions, maskSetting, maskUrl } from "./settings/checks.ts";
import { Settings } from "./settings/schema.ts";
import {
  type Entry,
  formatOf,
  fromEnvFile,
  fromFlags,
  fromVariables,
  fromYaml,
  type ReadTextFile,
  type SettingFlag,
  type Source,
  type Variable,
} from "./settings/sources.ts";
import { findSetting, putAt, type Setting, wantedOf } from "./settings/tree.ts";
import { complainOfUnknown } from "./settings/variables.ts";

/** What the settings are read from. */
export interface SettingsInput {
  /** Given on the command line. */
  args?: { config?: string | undefined; set?: readonly SettingFlag[] };
  env: Readonly<Record<string, string>>;
  readTextFile: ReadTextFile;
  /** The folder that relative paths and the default files are looked for in. */
  cwd: string;
}

/** Settings, and how they came about. */
export interface LoadedSettings {
  settings: Settings;
  /** Where each setting that is not a default was given, by its path. */
  origins: ReadonlyMap<string, string>;
  /** The environment with what `.env` adds, for `${NAME}` in other files. */
  variables: Readonly<Record<string, string>>;
  /** The file of settings that was read. */
  file: string | null;
  /** Every file that was read, such as those that hold single secrets: whole paths. */
  files: readonly string[];
}

/** This machine's environment, folder and files. */
export function machineInput(): Pick<SettingsInput, "env" | "cwd" | "readTextFile"> {
  return {
    env: Deno.env.toObject(),
    cwd: Deno.cwd(),
    async readTextFile(path) {
      try {
        return await Deno.readTextFile(path);
      } catch (error) {
        if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
        throw error;
      }
    },
  };
}

const NUMBER = /^[-+]?\d[\d_]*(\.\d+)?(e\d+)?$/i;
const FLAGS: Record<string, boolean> = {
  true: true,
  yes: true,
  on: true,
  1: true,
  false: false,
  no: false,
  off: false,
  0: false,
};

/** Makes the value a setting wants of text. What can't be made is left, for the schema to refuse. */
function fromText({ kind }: Setting, value: unknown): unknown {
  if (typeof value !== "string") return value;
  const text = value.trim();
  if (kind === "number") return NUMBER.test(text) ? Number(text.replaceAll("_", "")) : value;
  if (kind === "flag") return FLAGS[text.toLowerCase()] ?? value;
  if (kind === "list" && !text.startsWith("[")) {
    return text.split(",").map((one) => one.trim()).filter((one) => one !== "");
  }
  if (kind !== "list" && kind !== "map") return value;
  try {
    return JSON.parse(text);
  } catch {
    return value;
  }
}

function complain(setting: Setting | undefined, entry: Entry | undefined, path: string, wanted: string): string {
  if (entry === undefined) return `${path}: ${wanted}`;
  const shown = setting?.secret ? maskSetting(entry.value) : entry.value;
  const text = maskUrl(JSON.stringify(shown));
  return `${entry.path} = ${text.length > 200 ? `${text.slice(0, 200)}…` : text} (from ${entry.origin}): ${wanted}`;
}

function toProblem(issue: z.core.$ZodIssue, entries: ReadonlyMap<string, Entry>): string {
  const names = issue.path.map(String);
  for (let length = names.length; length > 0; length--) {
    const path = names.slice(0, length).join(".");
    const setting = findSetting(path);
    if (setting === undefined) continue;
    const inside = names.slice(length).join(".");
    const deep = setting.kind === "map" && inside !== "";
    const wanted = issue.code === "custom" ? issue.message : deep ? `${issue.message} at ${inside}` : wantedOf(setting);
    return complain(setting, entries.get(path), path, `want ${wanted}`);
  }
  return `${names.join(".")}: ${issue.message}`;
}

function refuse(problems: readonly string[]): never {
  const message = `Cannot use these settings:\n${problems.map((problem) => `  ${problem}`).join("\n")}`;
  throw new AppError("ConfigurationError", message, { details: { problems } });
}

/** Lays sources over each other, the strongest last, and checks what comes of it. */
function combine(sources: readonly Source[], problems: string[]): { settings: Settings; origins: Map<string, string> } {
  const entries = new Map<string, Entry>();
  for (const source of sources) {
    for (const entry of source.entries) entries.set(entry.path, entry);
    problems.push(...source.problems);
  }
  const tree: Record<string, unknown> = {};
  for (const { path, value } of entries.values()) putAt(tree, path, fromText(findSetting(path)!, value));
  const parsed = Settings.safeParse(tree);
  if (!parsed.success) problems.push(...new Set(parsed.error.issues.map((issue) => toProblem(issue, entries))));
  else {
    for (const { path, message } of findContradictions(parsed.data)) {
      problems.push(complain(findSetting(path), entries.get(path), path, message));
    }
  }
  if (!parsed.success || problems.length > 0) refuse(problems);
  return { settings: parsed.data, origins: new Map([...entries.values()].map(({ path, origin }) => [path, origin])) };
}

/**
 * Reads the settings from everywhere they can be given. Throws one
 * `ConfigurationError` with everything that is wrong with them, a line each.
 */
export async function loadSettings({ args = {}, env, readTextFile, cwd }: SettingsInput): Promise<LoadedSettings> {
  const files = new Set<string>();
  const read: ReadTextFile = async (name) => {
    const path = name.startsWith("/") ? name : `${cwd.replace(/\/$/, "")}/${name}`;
    const text = await readTextFile(path);
    if (text !== undefined) files.add(path);
    return text;
  };
  const problems: string[] = [];
  const readOrComplain = async (path: string, required: boolean): Promise<string | undefined> => {
    try {
      const text = await read(path);
      if (text === undefined && required) problems.push(`Cannot read the file "${path}": there is none`);
      return text;
    } catch {
      return void problems.push(`Cannot read the file "${path}"`);
    }
  };

  const environment = new Map<string, Variable>();
  for (const [name, value] of Object.entries(env)) environment.set(name, { value, origin: name });
  const dotText = await readOrComplain(".env", false);
  const dot = fromEnvFile(dotText ?? "", ".env", environment);
  problems.push(...dot.problems);
  const lookup = (name: string) => environment.get(name)?.value ?? dot.variables.get(name)?.value;

  const named = args.config ?? (lookup("MUXI_CONFIG") || undefined);
  const file = named ?? "config/muxi.yaml";
  const text = await readOrComplain(file, named !== undefined);
  const layers: Source[] = [];
  if (text !== undefined && formatOf(file, text) === "env") {
    const { variables, problems: broken } = fromEnvFile(text, file, new Map([...dot.variables, ...environment]));
    problems.push(...broken, ...complainOfUnknown(variables));
    layers.push(await fromVariables(variables, read));
  } else if (text !== undefined) {
    layers.push(await fromYaml(text, file, lookup));
  }
  problems.push(...complainOfUnknown(dot.variables), ...complainOfUnknown(environment));
  layers.push(await fromVariables(dot.variables, read));
  layers.push(await fromVariables(environment, read));
  layers.push(fromFlags(args.set ?? []));

  const variables = Object.fromEntries([...dot.variables].map(([name, { value }]) => [name, value]));
  return {
    ...combine(layers, problems),
    variables: { ...variables, ...env },
    file: text === undefined ? null : file,
    files: [...files],
  };
}
