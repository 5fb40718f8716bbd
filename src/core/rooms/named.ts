/**
 * Which agent somebody speaks to, by its name in what was understood of them.
 *
 * @module
 */

/** Somebody who may be called by some names. */
export interface Named {
  id: string;
  names: readonly string[];
}

/** Names shorter than this have to be understood to the letter. */
const MIN_FORGIVING = 4;
/** Scripts that put no spaces between words. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u;

/**
 * Who of `agents` is named first in `text`. A name may be a letter off, as recognition gets names wrong, or split in
 * two; but one that was understood comes before one that may have been, and nobody of `people` is mistaken for an agent.
 */
export function namedIn(
  text: string,
  { agents, people }: { agents: readonly Named[]; people: readonly string[] },
): string | undefined {
  const words = wordsOf(text);
  const others = new Set(people.flatMap(wordsOf));
  let best: { id: string; at: number; off: number } | undefined;
  for (const { id, names } of agents) {
    for (const name of names) {
      const found = UNSPACED.test(name) ? findPart(text, name) : findWords(words, { name: wordsOf(name), others });
      if (!found) continue;
      if (!best || found.off < best.off || (found.off === best.off && found.at < best.at)) best = { id, ...found };
    }
  }
  return best?.id;
}

function wordsOf(text: string): string[] {
  return text.normalize("NFKD").replaceAll(/\p{M}/gu, "").toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}

function findPart(text: string, name: string): { at: number; off: number } | undefined {
  const at = text.normalize("NFKC").indexOf(name.normalize("NFKC"));
  return at < 0 ? undefined : { at, off: 0 };
}

function findWords(
  words: readonly string[],
  { name, others }: { name: readonly string[]; others: ReadonlySet<string> },
): { at: number; off: number } | undefined {
  const wanted = name.join("");
  if (wanted === "") return undefined;
  let close: { at: number; off: number } | undefined;
  for (let at = 0; at < words.length; at++) {
    for (let count = Math.max(1, name.length - 1); count <= name.length + 1 && at + count <= words.length; count++) {
      const said = words.slice(at, at + count);
      const joined = said.join("");
      if (joined === wanted) return { at, off: 0 };
      const forgiving = wanted.length >= MIN_FORGIVING && count <= name.length &&
        !said.some((word) => others.has(word));
      if (forgiving && isOneOff(joined, wanted)) close ??= { at, off: 1 };
    }
  }
  return close;
}

/** Whether two words differ by one letter: another one, one more, one less, or two that changed places. */
function isOneOff(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1) return false;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  const [restA, restB] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  if (restA.length <= 1 && restB.length <= 1) return true;
  return restA.length === 2 && restB.length === 2 && restA[0] === restB[1] && restA[1] === restB[0];
}
