/**
 * What help says, made from the commands' data.
 *
 * @module
 */
import { type CommandName, COMMANDS, commandSpec, type OptionName, optionSpec } from "./commands.ts";
import type { Style } from "./style.ts";

function columns(rows: readonly (readonly [string, string])[], style: Style): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${style.cyan(left.padEnd(width))}  ${right}`);
}

function toLeft(name: OptionName): string {
  const { short, value } = optionSpec(name);
  return `${short === undefined ? "    " : `-${short}, `}--${name}${value === undefined ? "" : ` ${value}`}`;
}

/** Help on everything. */
export function toOverview(style: Style): string {
  const names = Object.keys(COMMANDS) as CommandName[];
  const commands = names.map((name) => {
    const { positionals, summary } = commandSpec(name);
    return [[name, ...positionals].join(" "), summary] as const;
  });
  const options = [...commandSpec("serve").options, "no-color", "help", "version"] as OptionName[];
  return [
    `${style.bold("MUXI")}: agents behind every door people use`,
    "",
    `${style.bold("Usage:")} muxi [COMMAND] [OPTIONS]`,
    "",
    style.bold("Commands:"),
    ...columns(commands, style),
    "",
    style.bold("Options:"),
    ...columns(options.map((name) => [toLeft(name), optionSpec(name).summary] as const), style),
    "",
    'Flags beat the environment, which beats the file of settings. "muxi help COMMAND" explains a command.',
    "",
  ].join("\n");
}

/** Help on one command. */
export function toCommandHelp(name: CommandName, style: Style): string {
  const { positionals, summary, about, options, examples = [] } = commandSpec(name);
  const rows = [...options, "no-color", "help"] as OptionName[];
  return [
    summary,
    ...about === undefined ? [] : ["", about],
    "",
    `${style.bold("Usage:")} ${["muxi", name, ...positionals].join(" ")} [OPTIONS]`,
    "",
    style.bold("Options:"),
    ...columns(rows.map((option) => [toLeft(option), optionSpec(option).summary] as const), style),
    ...examples.length === 0 ? [] : ["", style.bold("Examples:"), ...examples.map((example) => `  ${example}`)],
    "",
  ].join("\n");
}
