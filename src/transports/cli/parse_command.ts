/**
 * Reads the command line.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { nearest } from "../../kit/nearest.ts";
import { type CommandName, COMMANDS, commandSpec, type OptionName, OPTIONS, optionSpec } from "./commands.ts";

/** Settings that were given as flags. */
export interface GivenSettings {
  /** The file of settings. */
  config: string | undefined;
  set: { path: string; value: string; flag: string }[];
}

/** A command line, understood. */
export interface Command {
  name: CommandName;
  /** What stands behind the command: DEST, SRC. */
  positionals: string[];
  settings: GivenSettings;
  json: boolean;
  force: boolean;
  color: boolean;
}

/** A command line that makes no sense. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

interface Given {
  name: OptionName;
  flag: string;
  value: string | undefined;
}

const PARSED = Object.fromEntries(
  (Object.keys(OPTIONS) as OptionName[]).map((name) => {
    const { value, short } = optionSpec(name);
    return [name, { type: value === undefined ? "boolean" as const : "string" as const, ...short && { short } }];
  }),
);

function isCommand(name: string): name is CommandName {
  return Object.hasOwn(COMMANDS, name);
}

/** Whether `words` name no command, but all or several of them. */
function isGroup([first, ...rest]: readonly string[]): boolean {
  if (first === undefined) return true;
  return rest.length === 0 && !isCommand(first) && Object.keys(COMMANDS).some((name) => name.startsWith(`${first} `));
}

function suggest(meant: string | undefined): string {
  return meant === undefined ? "" : `; did you mean ${meant}?`;
}

/** Takes the words of a command off the front of `words`. */
function takeName(words: string[]): CommandName {
  if (words.length === 0) return "serve";
  for (const length of [2, 1]) {
    const name = words.slice(0, length).join(" ");
    if (words.length < length || !isCommand(name)) continue;
    words.splice(0, length);
    return name;
  }
  const [first = "", second = ""] = words;
  const inside = Object.keys(COMMANDS).filter((name) => name.startsWith(`${first} `));
  if (inside.length > 0) {
    const wanted = inside.map((name) => name.slice(first.length + 1));
    const attempt = second === "" ? `"muxi ${first}" needs more` : `There is no command "${first} ${second}"`;
    throw new UsageError(`${attempt}: want ${wanted.map((word) => `"muxi ${first} ${word}"`).join(" or ")}`);
  }
  const meant = nearest(`${first} ${second}`.trim(), Object.keys(COMMANDS)) ?? nearest(first, Object.keys(COMMANDS));
  throw new UsageError(`There is no command "${first}"${suggest(meant && `"muxi ${meant}"`)}`);
}

function readTokens(args: readonly string[]): { given: Given[]; words: string[] } {
  const { tokens } = parseArgs({
    args: [...args],
    options: PARSED,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const given: Given[] = [];
  const words: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") words.push(token.value);
    if (token.kind !== "option") continue;
    const flag = token.rawName;
    if (!Object.hasOwn(OPTIONS, token.name)) {
      const meant = nearest(flag, Object.keys(OPTIONS).map((name) => `--${name}`));
      throw new UsageError(`There is no option "${flag}"${suggest(meant)}`);
    }
    const name = token.name as OptionName;
    const wanted = optionSpec(name).value;
    // Without "=", a value that looks like an option is rather an option whose value was forgotten.
    const forgotten = token.value === undefined || (!token.inlineValue && /^-\D/.test(token.value));
    if (wanted !== undefined && forgotten) {
      throw new UsageError(`The option "${flag}" needs a value: want ${flag} ${wanted}`);
    }
    if (wanted === undefined && token.value !== undefined) throw new UsageError(`The option "${flag}" takes no value`);
    given.push({ name, flag, value: token.value });
  }
  return { given, words };
}

function toSettings(given: readonly Given[]): GivenSettings {
  const settings: GivenSettings = { config: undefined, set: [] };
  for (const { name, flag, value = "" } of given) {
    const path = optionSpec(name).setting;
    if (path !== undefined) settings.set.push({ path, value, flag });
    else if (name === "config") settings.config = value;
    else if (name === "set") {
      const at = value.indexOf("=");
      if (at < 1) throw new UsageError(`Cannot read "--set ${value}": want --set ${OPTIONS.set.value}`);
      settings.set.push({ path: value.slice(0, at).trim(), value: value.slice(at + 1), flag: "--set" });
    }
  }
  return settings;
}

/** Understands a command line, or throws a {@linkcode UsageError} that says what was wanted. */
export function parseCommand(args: readonly string[]): Command {
  const { given, words } = readTokens(args);
  const has = (name: OptionName) => given.some((option) => option.name === name);
  const common = { settings: toSettings(given), json: has("json"), force: has("force"), color: !has("no-color") };
  if (has("version") && words.length === 0) return { name: "version", positionals: [], ...common };
  if (has("help")) return { name: "help", positionals: isGroup(words) ? [] : [takeName(words)], ...common };
  const name = takeName(words);
  if (name === "help") return { name, positionals: isGroup(words) ? [] : [takeName(words)], ...common };
  const { positionals, options } = commandSpec(name);
  for (const option of given) {
    if (option.name === "no-color" || options.includes(option.name)) continue;
    throw new UsageError(`The command "${name}" has no option "${option.flag}"`);
  }
  if (words.length < positionals.length) {
    throw new UsageError(
      `The command "${name}" needs ${positionals[words.length]}: want muxi ${name} ${positionals.join(" ")}`,
    );
  }
  if (words.length > positionals.length) {
    throw new UsageError(`The command "${name}" has no use for "${words[positionals.length]}"`);
  }
  return { name, positionals: words, ...common };
}
