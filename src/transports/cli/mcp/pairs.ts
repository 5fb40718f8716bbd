/**
 * Names and values that stand together: `NAME=VALUE`.
 *
 * @module
 */
import type { Sources } from "../derived/sources.ts";
import { UsageError } from "../given.ts";

/** The parts of `text`, or what was wanted. */
export function splitPair(text: string, wanted: string): [name: string, value: string] {
  const at = text.indexOf("=");
  if (at < 1) throw new UsageError(`Cannot read "${text}": want ${wanted}`);
  return [text.slice(0, at).trim(), text.slice(at + 1)];
}

/** What can't be read may be a secret, so that no word of it is said. */
function splitSecret(text: string, { flag, colon }: { flag: string; colon: boolean }): [name: string, value: string] {
  const [, name, sign, value] = (colon ? /^([^=:]+)([=:])(.*)$/s : /^([^=]+)(=)(.*)$/s).exec(text) ?? [];
  if (name === undefined || value === undefined || /\s/.test(name.trim())) {
    const wanted = colon ? `${flag} NAME=VALUE or ${flag} "NAME: VALUE"` : `${flag} NAME=VALUE`;
    throw new UsageError(`Cannot read the value of ${flag}: want ${wanted}`);
  }
  return [name.trim(), sign === ":" ? value.trimStart() : value];
}

/**
 * Pairs that an option was given. A value may be `@FILE` or `-`; the end of its last line doesn't count. With `colon`,
 * `NAME: VALUE` is the same, as headers are written elsewhere.
 */
export async function readPairs(
  texts: readonly string[],
  { flag, sources, colon = false }: { flag: string; sources: Sources; colon?: boolean },
): Promise<Record<string, string>> {
  const pairs: Record<string, string> = {};
  for (const text of texts) {
    const [name, value] = splitSecret(text, { flag, colon });
    pairs[name] = (await sources.text(value, `${flag} ${name}`)).replace(/\r?\n$/, "");
  }
  return pairs;
}
