/**
 * What scripts of every shell are made from.
 *
 * @module
 */
import { type Command, nameOf, type OptionSpec, type Wanted } from "../command.ts";
import { optionsOf, VERSION_OPTION } from "../options.ts";

/** A place on the command line: the words so far, and what may follow. */
export interface Place {
  /** The command or group, such as `agents list`; empty at the start. */
  name: string;
  /** Words that may follow, and what they do. */
  words: readonly (readonly [word: string, summary: string])[];
  options: readonly OptionSpec[];
  /** What is wanted in the place of each positional; the last also for those behind it. */
  positionals: readonly (Wanted | undefined)[];
}

/** Spellings of an option, with their dashes. */
export function spellingsOf({ name, short, negatable }: OptionSpec): string[] {
  return [
    `--${name}`,
    ...negatable ? [`--no-${name}`] : [],
    ...short === undefined ? [] : [`-${short}`],
  ];
}

/** Every place, the start first. */
export function placesOf(commands: readonly Command[]): Place[] {
  const byFirst = Map.groupBy(commands, ({ words: [first] }) => first!);
  const top = Array.from(byFirst, ([first, group]) => {
    const summary = group.length === 1 || group[0]!.words.length === 1
      ? group[0]!.summary
      : group.map(({ words }) => words.slice(1).join(" ")).join(", ");
    return [first, summary] as const;
  });
  const groups = Array.from(byFirst).filter(([, group]) => group.some(({ words }) => words.length > 1));
  const serve = commands.find((command) => nameOf(command) === "serve");
  const help = [...byFirst.keys()].map((word) => word);
  return [
    {
      name: "",
      words: top,
      options: [...serve === undefined ? [] : optionsOf(serve), VERSION_OPTION],
      positionals: [],
    },
    ...groups.map(([first, group]): Place => ({
      name: first,
      words: group.map(({ words, summary }) => [words.slice(1).join(" "), summary] as const),
      options: optionsOf({ ...group[0]!, options: [], plain: true, connects: false } as Command).filter(({ name }) =>
        name === "help"
      ),
      positionals: [],
    })),
    ...commands.map((command): Place => ({
      name: nameOf(command),
      words: [],
      options: optionsOf(command),
      positionals: nameOf(command) === "help" ? [help] : command.positionals.map(({ wanted }) => wanted),
    })),
  ];
}
