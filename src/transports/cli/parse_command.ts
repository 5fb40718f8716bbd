/**
 * Reads what stands behind a command.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { nearest } from "../../kit/nearest.ts";
import { type Command, nameOf, type OptionSpec } from "./command.ts";
import { Given, type GivenSettings, UsageError } from "./given.ts";
import { optionsOf } from "./options.ts";

interface Told {
  option: OptionSpec;
  /** As it was written. */
  flag: string;
  value: string | undefined;
  /** `--no-…`. */
  off: boolean;
}

type Known = ReadonlyMap<string, { option: OptionSpec; off: boolean }>;

function knownOf(command: Command): Known {
  const known = new Map<string, { option: OptionSpec; off: boolean }>();
  for (const option of optionsOf(command)) {
    known.set(option.name, { option, off: false });
    if (option.negatable) known.set(`no-${option.name}`, { option, off: true });
  }
  return known;
}

function readTokens(args: readonly string[], known: Known) {
  const options = Object.fromEntries(Array.from(known, ([name, { option: { value, short }, off }]) => {
    const type = value === undefined || off ? "boolean" as const : "string" as const;
    return [name, { type, ...short !== undefined && !off && { short } }];
  }));
  return parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true }).tokens;
}

function checkValue({ wanted }: OptionSpec, flag: string, value: string): void {
  if (!Array.isArray(wanted) || wanted.includes(value)) return;
  const meant = nearest(value, wanted);
  const hint = meant === undefined ? "" : `; did you mean "${meant}"?`;
  throw new UsageError(`The option "${flag}" can't be "${value}": want one of ${wanted.join(", ")}${hint}`);
}

/** Where a command takes the words of a program, an option it doesn't know is probably that program's. */
function dashesHint(command: Command, words: readonly string[]): string | undefined {
  const last = command.positionals.length - 1;
  const program = words.slice(command.words.length)[last];
  if (program === undefined || !command.positionals[last]?.name.includes("--")) return undefined;
  return `: want -- before "${program}", where the program begins`;
}

function read(args: readonly string[], command: Command): { told: Told[]; words: string[] } {
  const known = knownOf(command);
  const told: Told[] = [];
  const words: string[] = [];
  for (const token of readTokens(args, known)) {
    if (token.kind === "positional") words.push(token.value);
    if (token.kind !== "option") continue;
    const flag = token.rawName;
    const found = known.get(token.name);
    if (found === undefined) {
      const meant = nearest(flag, Array.from(known.keys(), (name) => `--${name}`));
      const hint = dashesHint(command, words) ?? (meant === undefined ? "" : `; did you mean ${meant}?`);
      throw new UsageError(`The command "${nameOf(command)}" has no option "${flag}"${hint}`);
    }
    const { option, off } = found;
    const wanted = off ? undefined : option.value;
    // Without "=", a value that looks like an option is rather an option whose value was forgotten.
    const forgotten = token.value === undefined || (!token.inlineValue && /^-\D/.test(token.value));
    if (wanted !== undefined && forgotten) {
      throw new UsageError(`The option "${flag}" needs a value: want ${flag} ${wanted}`);
    }
    if (wanted === undefined && token.value !== undefined) throw new UsageError(`The option "${flag}" takes no value`);
    if (token.value !== undefined) checkValue(option, flag, token.value);
    told.push({ option, flag, value: token.value, off });
  }
  return { told, words };
}

function toSettings(told: readonly Told[]): GivenSettings {
  const settings: GivenSettings = { config: undefined, set: [] };
  for (const { option: { name, setting }, flag, value = "" } of told) {
    if (setting !== undefined) settings.set.push({ path: setting, value, flag });
    else if (name === "config") settings.config = value;
    else if (name === "set") {
      const at = value.indexOf("=");
      if (at < 1) throw new UsageError(`Cannot read "--set ${value}": want --set PATH=VALUE`);
      settings.set.push({ path: value.slice(0, at).trim(), value: value.slice(at + 1), flag: "--set" });
    }
  }
  return settings;
}

function checkPositionals(command: Command, words: readonly string[]): void {
  const { positionals } = command;
  const name = nameOf(command);
  const missing = positionals.slice(words.length).find(({ optional }) => !optional);
  if (missing !== undefined) {
    const wanted = positionals.map((one) => one.optional ? `[${one.name}]` : one.name).join(" ");
    throw new UsageError(`The command "${name}" needs ${missing.name}: want muxi ${name} ${wanted}`);
  }
  if (words.length > positionals.length && !positionals.at(-1)?.rest) {
    throw new UsageError(`The command "${name}" has no use for "${words[positionals.length]}"`);
  }
}

/** Understands `args` as `command`'s, or throws a {@linkcode UsageError} that says what was wanted. */
export function parseCommand(args: readonly string[], command: Command): Given {
  const { told, words } = read(args, command);
  const flags = new Map<string, boolean>();
  const options = new Map<string, string[]>();
  for (const { option: { name }, value, off } of told) {
    if (value === undefined) flags.set(name, !off);
    else options.set(name, [...options.get(name) ?? [], value]);
  }
  // What stands before the command's own words are options.
  const positionals = [...words];
  for (const word of command.words) if (positionals[0] === word) positionals.shift();
  if (!flags.get("help")) checkPositionals(command, positionals);
  return new Given({ positionals, settings: toSettings(told), options, flags });
}
