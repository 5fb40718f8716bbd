/**
 * The scripts that complete commands in a shell. They are made from the
 * commands' data and hold all they need, so that no key starts a process.
 *
 * @module
 */
import type { Command } from "../command.ts";
import { UsageError } from "../given.ts";
import { toBash } from "./bash.ts";
import { toFish } from "./fish.ts";
import { toZsh } from "./zsh.ts";

const SCRIPTS: Readonly<Record<string, (commands: readonly Command[]) => string>> = {
  bash: toBash,
  zsh: toZsh,
  fish: toFish,
};

/** The script for `shell`. */
export function toCompletion(shell: string, commands: readonly Command[]): string {
  const make = Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell] : undefined;
  if (make !== undefined) return make(commands);
  throw new UsageError(`There is no completion for "${shell}": want one of ${Object.keys(SCRIPTS).join(", ")}`);
}
