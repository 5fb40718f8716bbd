/**
 * Reads environment files: `NAME=value`, a line each.
 *
 * @module
 */

/** One variable of an environment file. */
export interface EnvLine {
  name: string;
  value: string;
  /** Counted from 1. */
  line: number;
  /** Stood in single quotes, so that nothing in it is expanded. */
  literal: boolean;
}

const START = /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=[ \t]*/;
const ESCAPES: Record<string, string> = { n: "\n", r: "\r", t: "\t" };

/** The variables of `text`, and the numbers of lines that make no sense. */
export function parseEnvFile(text: string): { variables: EnvLine[]; broken: number[] } {
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  const variables: EnvLine[] = [];
  const broken: number[] = [];
  for (let i = 0; i < lines.length; i++) {
    const line = i + 1;
    const found = START.exec(lines[i]!);
    if (found === null) {
      if (!/^\s*(#|$)/.test(lines[i]!)) broken.push(line);
      continue;
    }
    const name = found[1]!;
    let rest = lines[i]!.slice(found[0].length);
    const quote = rest[0];
    if (quote !== '"' && quote !== "'") {
      variables.push({ name, value: rest.replace(/(^|\s)#.*$/, "").trim(), line, literal: false });
      continue;
    }
    // A quoted value may go over several lines, such as a key in PEM does.
    const whole = quote === '"' ? /^"((?:[^"\\]|\\[^])*)"\s*(#.*)?$/ : /^'([^']*)'\s*(#.*)?$/;
    let end = i;
    while (!whole.test(rest) && end + 1 < lines.length && end - i < 200) rest += `\n${lines[++end]}`;
    const value = whole.exec(rest)?.[1];
    if (value === undefined) {
      broken.push(line);
      continue;
    }
    i = end;
    const plain = quote === "'" ? value : value.replace(/\\([^])/g, (_, letter) => ESCAPES[letter] ?? letter);
    variables.push({ name, value: plain, line, literal: quote === "'" });
  }
  return { variables, broken };
}
