/**
 * Finds the command that a command line means.
 *
 * @module
 */
import { nearest } from "../../kit/nearest.ts";
import { type Command, nameOf } from "./command.ts";
import { UsageError } from "./given.ts";
import { optionsOf } from "./options.ts";

/** The words of a command line: what is neither an option nor an option's value, up to `--`. */
export function wordsOf(args: readonly string[], commands: readonly Command[]): string[] {
  const valued = new Set(
    commands.flatMap(optionsOf).flatMap(({ name, short, value }) => {
      return value === undefined ? [] : [`--${name}`, ...short === undefined ? [] : [`-${short}`]];
    }),
  );
  const words: string[] = [];
  for (let i = 0; i < args.length && args[i] !== "--"; i++) {
    const arg = args[i]!;
    if (valued.has(arg)) i++;
    else if (!/^-./.test(arg)) words.push(arg);
  }
  return words;
}

/** The command that `words` begin with, the longer one first. */
export function findCommand(words: readonly string[], commands: readonly Command[]): Command | undefined {
  const found = commands.filter((command) => command.words.every((word, i) => words[i] === word));
  return found.sort((a, b) => b.words.length - a.words.length)[0];
}

/** The commands of the group that `words` are, if they are one. */
export function findGroup(words: readonly string[], commands: readonly Command[]): Command[] {
  if (words.length !== 1) return [];
  return commands.filter((command) => command.words.length > 1 && command.words[0] === words[0]);
}

/**
 * Says that `args` begin with an option that no command has. Whether what stands
 * behind it is its value or a command, nobody can tell.
 */
export function unknownOption(args: readonly string[], commands: readonly Command[]): UsageError | undefined {
  const [flag = ""] = args[0]?.split("=") ?? [];
  if (!/^-./.test(flag)) return undefined;
  const known = commands.flatMap(optionsOf).flatMap(({ name, short }) => {
    return [`--${name}`, ...short === undefined ? [] : [`-${short}`]];
  });
  if (known.includes(flag)) return undefined;
  const meant = nearest(flag, known);
  return new UsageError(`There is no option "${flag}"${meant === undefined ? "" : `; did you mean ${meant}?`}`);
}

/** Says that `words` begin with no command, and what was probably meant. */
export function unknownCommand(words: readonly string[], commands: readonly Command[]): UsageError {
  const [first = "", second] = words;
  const inside = findGroup([first], commands).map((command) => command.words.slice(1).join(" "));
  const suggest = (meant: string | undefined) => meant === undefined ? "" : `; did you mean "muxi ${meant}"?`;
  if (inside.length > 0) {
    const meant = second === undefined ? undefined : nearest(second, inside);
    if (meant !== undefined) {
      return new UsageError(`There is no command "${first} ${second}"${suggest(`${first} ${meant}`)}`);
    }
    const attempt = second === undefined ? `"muxi ${first}" needs more` : `There is no command "${first} ${second}"`;
    return new UsageError(`${attempt}: want one of ${inside.join(", ")}`);
  }
  const names = commands.map(nameOf);
  const groups = [...new Set(commands.map((command) => command.words[0]!))];
  const meant = (second === undefined ? undefined : nearest(`${first} ${second}`, names)) ??
    nearest(first, names) ?? nearest(first, groups);
  return new UsageError(`There is no command "${first}"${suggest(meant)}`);
}
