/**
 * Where settings come from: flags, variables and files, brought to one form.
 *
 * @module
 */
import { expand, expandDeep } from "../kit/expand.ts";
import { nearest } from "../kit/nearest.ts";
import { parseEnvFile } from "./env_file.ts";
import { findSetting, isSection, listSections, listSettings } from "./tree.ts";
import { fromVariable, isForeign, isOurs, settingsIn, variablesOf } from "./variables.ts";

/** Reads a file; undefined when there is none. */
export type ReadTextFile = (path: string) => Promise<string | undefined>;

/** A setting as somewhere given. */
export interface Entry {
  path: string;
  value: unknown;
  /** Where it was given, for people: a flag, a variable, a file and line. */
  origin: string;
}

/** What one source gave, and what was wrong with it. */
export interface Source {
  entries: Entry[];
  problems: string[];
}

/** A variable and where it stands. */
export interface Variable {
  value: string;
  origin: string;
}

/** A setting given on the command line. */
export interface SettingFlag {
  path: string;
  value: string;
  /** The flag as written, such as `--port`. */
  flag: string;
}

const LARGEST_FILE = 1_048_576;

function complainOfPath(path: string, origin: string): string {
  const known = [...listSettings(), ...listSections()].map((one) => one.path);
  const name = path.slice(path.lastIndexOf(".") + 1);
  // Often the name is right and its section is not.
  const meant = nearest(path, known) ?? known.find((one) => one.endsWith(`.${name}`));
  return `${path} (from ${origin}): there is no such setting${meant === undefined ? "" : `; did you mean ${meant}?`}`;
}

/** Settings given as flags. */
export function fromFlags(flags: readonly SettingFlag[]): Source {
  const source: Source = { entries: [], problems: [] };
  for (const { path, value, flag } of flags) {
    if (findSetting(path) === undefined) source.problems.push(complainOfPath(path, flag));
    else source.entries.push({ path, value, origin: flag });
  }
  return source;
}

/** Settings given as variables, or as files that variables or systemd's credentials name. */
export async function fromVariables(variables: ReadonlyMap<string, Variable>, read: ReadTextFile): Promise<Source> {
  const source: Source = { entries: [], problems: [] };
  const folder = variables.get("CREDENTIALS_DIRECTORY")?.value;
  for (const { path, secret } of settingsIn(variables.keys())) {
    const names = variablesOf(path);
    // An empty variable is how container tools pass one that isn't set.
    const given = names.find((name) => {
      const value = variables.get(name)?.value;
      return value !== undefined && value !== "" && !isForeign(name, value);
    });
    const inFile = secret ? names.find((name) => (variables.get(`${name}_FILE`)?.value ?? "") !== "") : undefined;
    if (given !== undefined && inFile !== undefined) {
      source.problems.push(`${path}: both ${given} and ${inFile}_FILE are set: want one of them`);
    } else if (given !== undefined) {
      const { value, origin } = variables.get(given)!;
      source.entries.push({ path, value: fromVariable(given, value), origin });
    } else if (inFile !== undefined) {
      const { value: file, origin } = variables.get(`${inFile}_FILE`)!;
      const text = await read(file).catch(() => undefined);
      if (text === undefined) source.problems.push(`${path} (from ${origin}): cannot read the file "${file}"`);
      else source.entries.push({ path, value: text.replace(/\r?\n$/, ""), origin });
    } else if (secret && folder !== undefined) {
      for (const name of names.flatMap((one) => [one, one.toLowerCase()])) {
        const text = await read(`${folder}/${name}`).catch(() => undefined);
        if (text === undefined) continue;
        source.entries.push({ path, value: text.replace(/\r?\n$/, ""), origin: `the credential ${name}` });
        break;
      }
    }
  }
  return source;
}

/** The variables of an environment file. */
export function fromEnvFile(
  text: string,
  file: string,
  known: ReadonlyMap<string, Variable>,
): { variables: Map<string, Variable>; problems: string[] } {
  const { variables: lines, broken } = parseEnvFile(text);
  const variables = new Map<string, Variable>();
  const problems = broken.map((line) => `${file}:${line}: cannot read this line: want NAME=value`);
  for (const { name, value, line, literal } of lines) {
    const origin = `${name} in ${file}:${line}`;
    const lookup = (other: string) => known.get(other)?.value ?? variables.get(other)?.value;
    const expanded = literal ? { text: value, missing: [] } : expand(value, lookup);
    // The file is other programs' too: what they do with an absent variable is their affair.
    if (isOurs(name)) problems.push(...expanded.missing.map((gone) => `${origin}: the variable ${gone} is not set`));
    variables.set(name, { value: expanded.text, origin });
  }
  return { variables, problems };
}

/** What a file of settings is written in, by its ending, else by what stands in it. */
export function formatOf(file: string, text: string): "yaml" | "env" {
  if (/\.(ya?ml|json)$/i.test(file)) return "yaml";
  if (/(^|[/\\.])env(\.\w+)?$/i.test(file)) return "env";
  const first = text.split("\n").find((line) => !/^\s*(#|$)/.test(line)) ?? "";
  return /^\s*(export\s+)?[A-Za-z_]\w*\s*=/.test(first) ? "env" : "yaml";
}

/** Settings of a YAML or JSON file, which is YAML too. */
export async function fromYaml(
  text: string,
  file: string,
  lookup: (name: string) => string | undefined,
): Promise<Source> {
  const source: Source = { entries: [], problems: [] };
  if (text.length > LARGEST_FILE) {
    return { entries: [], problems: [`${file}: is ${text.length} characters long: want ${LARGEST_FILE} at most`] };
  }
  const { LineCounter, parseDocument, isNode } = await import("yaml");
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, logLevel: "error" });
  if (document.errors.length > 0) {
    // Only the first line of each: the others quote the file, and what it keeps secret.
    const problems = document.errors.map(({ message }) => message.split("\n")[0]!.replace(/:$/, ""));
    return { entries: [], problems: problems.map((problem) => `${file}: cannot read it: ${problem}`) };
  }
  let root: unknown;
  try {
    root = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    const why = /^Excessive/.test((error as Error).message)
      ? "too many aliases"
      : "an alias has no anchor: put text that begins with * in quotes";
    return { entries: [], problems: [`${file}: cannot read it: ${why}`] };
  }
  const originOf = (path: string[]): string => {
    for (let names = path; names.length > 0; names = names.slice(0, -1)) {
      const node = document.getIn(names, true);
      if (isNode(node) && node.range) return `${file}:${lines.linePos(node.range[0]).line}`;
    }
    return file;
  };
  const walk = (value: unknown, names: string[]) => {
    const path = names.join(".");
    // A section or setting with nothing behind it is as if it were not there.
    if (value === null || value === undefined) return;
    if (path === "" || (isSection(path) && !names.at(-1)!.includes("."))) {
      if (typeof value !== "object" || Array.isArray(value)) {
        source.problems.push(`${path === "" ? file : `${path} (from ${originOf(names)})`}: want settings, one a line`);
      } else {
        for (const [name, child] of Object.entries(value)) walk(child, [...names, name]);
      }
      return;
    }
    const origin = originOf(names);
    if (findSetting(path) === undefined || names.some((name) => name.includes("."))) {
      return void source.problems.push(complainOfPath(path, origin));
    }
    const missing: string[] = [];
    // Text of tool servers is read as a host's file later, which fills it in by itself.
    const takesEnv = path === "mcp_servers" && typeof value !== "string";
    const entry = { path, value: expandDeep(value, lookup, { missing, takesEnv }), origin };
    for (const name of missing) source.problems.push(`${path} (from ${origin}): the variable ${name} is not set`);
    if (missing.length === 0) source.entries.push(entry);
  };
  walk(root, []);
  return source;
}
