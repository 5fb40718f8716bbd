/**
 * Which agents somebody speaks to, by their names in what was understood of them.
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
/** How many are asked at once. */
const MAX_NAMED = 4;
/** What stands between the names of those who are asked together, beside nothing but a comma. */
const JOINTS = new Set(
  ["", "and", "und", "et", "y", "e", "en", "i", "och", "og", "ja", "ve", "и", "και"].concat(
    ["と", "さんと", "和", "跟", "与", "與", "及", "และ", "กับ"],
  ),
);
/** Scripts that put no spaces between words. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u;

/** A place where somebody is named, in words, or in characters where words aren't told apart. */
interface Mention {
  id: string;
  at: number;
  end: number;
  off: number;
  between(from: number, to: number): string;
}

/**
 * Who of `agents` is named first in `text`, and who is named together with it, as in "Nova and Rex", in that order. A
 * name may be a letter off, as recognition gets names wrong, or split in two; but one that was understood comes before
 * one that may have been, and nobody of `people` is mistaken for an agent.
 */
export function namedIn(
  text: string,
  { agents, people }: { agents: readonly Named[]; people: readonly string[] },
): string[] {
  const words = wordsOf(text);
  const others = new Set(people.flatMap(wordsOf));
  const whole = text.normalize("NFKC");
  const inWords = (from: number, to: number) => words.slice(from, to).join(" ");
  const inText = (from: number, to: number) => whole.slice(from, to).replaceAll(/[^\p{L}\p{M}\p{N}]/gu, "");
  const mentions = agents.flatMap(({ id, names }) =>
    names.flatMap((name): Mention[] =>
      UNSPACED.test(name)
        ? findParts(whole, name.normalize("NFKC")).map((found) => ({ ...found, id, between: inText }))
        : findWords(words, { name: wordsOf(name), others }).map((found) => ({ ...found, id, between: inWords }))
    )
  ).toSorted((a, b) => a.off - b.off || a.at - b.at);
  const [best] = mentions;
  if (!best) return [];
  if (best.off > 0) return [best.id];
  const sure = mentions.filter(({ off }) => off === 0);
  const lists = sure.map((first) => listFrom(first, sure)).filter((list) => list.includes(best.id));
  return lists.toSorted((a, b) => b.length - a.length)[0]!;
}

/** Who is named together with `first`, one right after the other. */
function listFrom(first: Mention, mentions: readonly Mention[]): string[] {
  const list = [first.id];
  for (let last = first; list.length < MAX_NAMED;) {
    const next = mentions.find(({ id, at, between }) =>
      between === last.between && at >= last.end && !list.includes(id) && JOINTS.has(between(last.end, at))
    );
    if (!next) break;
    list.push(next.id);
    last = next;
  }
  return list;
}

function wordsOf(text: string): string[] {
  return text.normalize("NFKD").replaceAll(/\p{M}/gu, "").toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}

/** Where a name was understood, or, where it never was, where it may have been. */
type Found = Pick<Mention, "at" | "end" | "off">;

function findParts(text: string, name: string): Found[] {
  const found: Found[] = [];
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + name.length)) {
    found.push({ at, end: at + name.length, off: 0 });
  }
  return found;
}

function findWords(
  words: readonly string[],
  { name, others }: { name: readonly string[]; others: ReadonlySet<string> },
): Found[] {
  const wanted = name.join("");
  if (wanted === "") return [];
  const exact: Found[] = [];
  let close: Found | undefined;
  for (let at = 0; at < words.length; at++) {
    for (let count = Math.max(1, name.length - 1); count <= name.length + 1 && at + count <= words.length; count++) {
      const said = words.slice(at, at + count);
      const joined = said.join("");
      if (joined === wanted) exact.push({ at, end: at + count, off: 0 });
      const forgiving = wanted.length >= MIN_FORGIVING && count <= name.length &&
        !said.some((word) => others.has(word));
      if (forgiving && isOneOff(joined, wanted)) close ??= { at, end: at + count, off: 1 };
    }
  }
  return exact.length > 0 || !close ? exact : [close];
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
