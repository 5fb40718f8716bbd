/**
 * What help says, made from the commands' data.
 *
 * @module
 */
import { widthOf } from "./chat/text_width.ts";
import { type Command, nameOf, type OptionSpec, type PositionalSpec, SECTIONS, type Wanted } from "./command.ts";
import { findCommand, findGroup, unknownCommand } from "./find_command.ts";
import { padTo, wrapTo } from "./layout.ts";
import { generalOptions, remoteOptions, settingOptions, VERSION_OPTION } from "./options.ts";
import type { Style } from "./style.ts";
import type { Terminal } from "./terminal.ts";

/** How help is drawn. */
export interface HelpOptions {
  style: Style;
  /** Cells of a line. */
  columns: number;
}

type Row = readonly [left: string, right: string];

/** Lines longer than this are hard to read. */
const WIDEST = 100;
/** Where the right column begins at the latest. */
const FURTHEST = 30;

/** Two columns, the right one in lines of its own width. */
function toColumns(rows: readonly Row[], { style, columns }: HelpOptions): string[] {
  const furthest = Math.min(FURTHEST, Math.floor(columns * 0.4));
  const longest = Math.max(...rows.map(([left]) => widthOf(left)).filter((width) => width <= furthest), 0);
  return rows.flatMap(([left, right]) => {
    const lines = wrapTo(right, Math.max(columns - longest - 4, 10));
    const long = widthOf(left) > longest;
    const head = `  ${style.cyan(padTo(left, longest))}`;
    const indented = (line: string) => `${" ".repeat(longest + 4)}${line}`;
    if (right === "") return [head.trimEnd()];
    return long ? [head, ...lines.map(indented)] : [`${head}  ${lines[0]}`, ...lines.slice(1).map(indented)];
  });
}

function toPart(title: string, rows: readonly Row[], options: HelpOptions): string[] {
  return rows.length === 0 ? [] : ["", options.style.bold(title), ...toColumns(rows, options)];
}

function toParagraph(text: string, { columns }: HelpOptions): string[] {
  return wrapTo(text, columns);
}

function toLeft({ name, short, value, negatable }: OptionSpec): string {
  const both = negatable && value === undefined ? `--[no-]${name}` : `--${name}`;
  return `${short === undefined ? "    " : `-${short}, `}${both}${value === undefined ? "" : ` ${value}`}`;
}

function valuesOf(wanted: Wanted | undefined): string[] {
  return Array.isArray(wanted) ? [wanted.length === 1 ? `only ${wanted[0]}` : `one of ${wanted.join(", ")}`] : [];
}

/** What an option is for, and what it may be. */
function toRight({ summary, wanted, fallback, required, repeated, negatable, name, value }: OptionSpec): string {
  const facts = [
    ...required ? ["required"] : [],
    ...valuesOf(wanted),
    ...repeated ? ["may be repeated"] : [],
    ...negatable && value !== undefined ? [`--no-${name}: none`] : [],
    ...fallback === undefined ? [] : [`default: ${fallback}`],
  ];
  return facts.length === 0 ? summary : `${summary} (${facts.join("; ")})`.trim();
}

function toRows(options: readonly OptionSpec[]): Row[] {
  return options.map((option) => [toLeft(option), toRight(option)]);
}

function toArgument({ name, optional, rest }: PositionalSpec): string {
  const shown = rest ? `${name}…` : name;
  return optional ? `[${shown}]` : shown;
}

/** How a command is called. */
function toUsage(command: Command): string {
  const { positionals, options } = command;
  const needed = options.filter(({ required }) => required).map(({ name, value }) => `--${name} ${value}`);
  return ["muxi", nameOf(command), ...positionals.map(toArgument), ...needed, "[OPTIONS]"].join(" ");
}

/** A line for a command, or for a group of several. */
function toEntry(group: readonly Command[]): Row {
  const [first] = group;
  if (group.length > 1) {
    return [first!.words[0]!, group.map((command) => command.words.slice(1).join(" ")).join(", ")];
  }
  return [[nameOf(first!), ...first!.positionals.map(toArgument)].join(" "), first!.summary];
}

/** Help on everything. */
export function toOverview(commands: readonly Command[], options: HelpOptions): string {
  const { style } = options;
  const parts = SECTIONS.flatMap((section) => {
    const inside = commands.filter((command) => command.section === section);
    const groups = Map.groupBy(inside, ({ words: [first] }) => first);
    return toPart(`${section}:`, Array.from(groups.values(), toEntry), options);
  });
  return [
    `${style.bold("MUXI")}: agents behind every door people use`,
    "",
    `${style.bold("Usage:")} muxi [COMMAND] [OPTIONS]`,
    ...parts,
    ...toPart("Options:", toRows([...generalOptions({}), VERSION_OPTION]), options),
    "",
    ...toParagraph(
      '"muxi help COMMAND" explains a command or a group. Commands work in this process, on the data folder of the ' +
        "settings, or on a server with --url. Flags beat the environment, which beats the file of settings.",
      options,
    ),
    "",
  ].join("\n");
}

/** Help on the commands of a group. */
export function toGroupHelp(group: readonly Command[], options: HelpOptions): string {
  const rows = group.map((command): Row => [
    [command.words.slice(1).join(" "), ...command.positionals.map(toArgument)].join(" "),
    command.summary,
  ]);
  const name = group[0]!.words[0];
  return [
    `${options.style.bold("Usage:")} muxi ${name} COMMAND [OPTIONS]`,
    ...toPart("Commands:", rows, options),
    "",
    `"muxi help ${name} COMMAND" explains one of them.`,
    "",
  ].join("\n");
}

function toAccess({ access, http }: Command, options: HelpOptions): string[] {
  if (access === undefined || http === undefined) return [];
  const key = { public: "no key", user: "a user key", admin: "an admin key" }[access];
  return ["", ...toParagraph(`On a server it needs ${key}. The same as ${http}`, options)];
}

/** Help on one command. */
export function toCommandHelp(command: Command, options: HelpOptions): string {
  const { positionals, summary, about, examples = [] } = command;
  const { style } = options;
  const args = positionals.map((one): Row => [
    toArgument(one),
    [one.summary, ...valuesOf(one.wanted)].filter((text) => text !== undefined).join(": "),
  ]);
  return [
    ...toParagraph(summary, options),
    ...about === undefined ? [] : ["", ...toParagraph(about, options)],
    "",
    `${style.bold("Usage:")} ${toUsage(command)}`,
    ...toPart("Arguments:", args.filter(([, right]) => right !== ""), options),
    ...toPart("Options:", toRows(command.options), options),
    ...toPart("Where:", toRows(remoteOptions(command)), options),
    ...toPart("Settings:", toRows(settingOptions(command)), options),
    ...toPart("Also:", toRows(generalOptions(command)), options),
    ...examples.length === 0 ? [] : ["", style.bold("Examples:"), ...examples.map((example) => `  ${example}`)],
    ...toAccess(command, options),
    "",
  ].join("\n");
}

/** Shows help on what `words` name: everything, a group, or a command. */
export function showHelp(
  words: readonly string[],
  commands: readonly Command[],
  { terminal, style }: { terminal: Terminal; style: Style },
): void {
  const options = { style, columns: Math.min(terminal.columns(), WIDEST) };
  const command = findCommand(words, commands);
  const group = findGroup(words, commands);
  if (words.length === 0) terminal.out(toOverview(commands, options));
  else if (command?.words.length === words.length) terminal.out(toCommandHelp(command, options));
  else if (group.length > 0) terminal.out(toGroupHelp(group, options));
  else throw unknownCommand(words, commands);
}
