/**
 * Colours, where they are wanted.
 *
 * @module
 */
import { styleText } from "node:util";

/** Colours a text, or leaves it. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  cyan(text: string): string;
}

/** Whether to colour: not for files and pipes, nor when somebody said no. */
export function wantsColor(
  { isTerminal, env, flag }: { isTerminal: boolean; env: Readonly<Record<string, string>>; flag: boolean },
): boolean {
  return flag && isTerminal && (env.NO_COLOR ?? "") === "" && env.TERM !== "dumb";
}

/** A {@linkcode Style} with or without colours. */
export function createStyle(color: boolean): Style {
  const paint = (format: "bold" | "dim" | "red" | "green" | "cyan") => (text: string) =>
    // Whether to colour was decided already; the stream is not to be asked again.
    color && text !== "" ? styleText(format, text, { validateStream: false }) : text;
  return { bold: paint("bold"), dim: paint("dim"), red: paint("red"), green: paint("green"), cyan: paint("cyan") };
}
