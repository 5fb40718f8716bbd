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

/** Pairs that an option was given. A value may be `@FILE` or `-`; the end of its last line doesn't count. */
export async function readPairs(
  texts: readonly string[],
  { flag, sources }: { flag: string; sources: Sources },
): Promise<Record<string, string>> {
  const pairs: Record<string, string> = {};
  for (const text of texts) {
    const [name, value] = splitPair(text, `${flag} NAME=VALUE`);
    pairs[name] = (await sources.text(value, `${flag} ${name}`)).replace(/\r?\n$/, "");
  }
  return pairs;
}
