/**
 * Text as words and sentences that can be compared.
 *
 * @module
 */

const STOP = new Set(
  ("a about all am an and any are as at be been but by can could did do does for from had has have he her him his how i " +
    "if in into is it its just let like me my of on or our out please s she should so some t tell than that the their " +
    "them then there these they this to too up us was we were what when where which who why will with would you your " +
    "say said know think give want need make").split(" "),
);

const MAX_SENTENCE = 600;

/** A word without the ending that number and tense give it. English only, and rough on purpose. */
export function toStem(word: string): string {
  if (word.length > 5 && word.endsWith("ing")) return word.slice(0, -3);
  if (word.length > 4 && word.endsWith("ies")) return `${word.slice(0, -3)}y`;
  if (word.length > 4 && word.endsWith("ed")) return word.slice(0, -2);
  if (word.length > 3 && word.endsWith("s") && !word.endsWith("ss")) {
    return word.endsWith("es") && /(?:s|x|z|ch|sh)es$/.test(word) ? word.slice(0, -2) : word.slice(0, -1);
  }
  return word.length > 4 && word.endsWith("e") ? word.slice(0, -1) : word;
}

/** The words of `text`, small, without accents, `camelCase` and `snake_case` taken apart. */
export function toWords(text: string): string[] {
  const plain = text.replace(/([\p{Ll}\d])(\p{Lu})/gu, "$1 $2").toLowerCase().normalize("NFKD").replace(/\p{M}/gu, "");
  const words: string[] = [];
  for (const [run] of plain.matchAll(/[\p{L}\p{N}]+/gu)) {
    if (!/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u.test(run)) {
      words.push(run);
      continue;
    }
    // These scripts put no space between words: pairs of signs stand for them.
    const signs = [...run];
    for (let i = 0; i < Math.max(1, signs.length - 1); i++) words.push(signs.slice(i, i + 2).join(""));
  }
  return words;
}

/** The stems of the words that carry meaning. */
export function toTerms(text: string): string[] {
  return toWords(text).filter((word) => !STOP.has(word)).map(toStem);
}

/** How many words `text` has, as tokens are counted here. */
export function countWords(text: string): number {
  let count = 0;
  let inside = false;
  for (let i = 0; i < text.length; i++) {
    const space = text.charCodeAt(i) <= 32;
    if (!space && !inside) count++;
    inside = !space;
  }
  return count;
}

/** The sentences of `text`, lines ending one too. */
export function toSentences(text: string): string[] {
  return text.split(/(?<=[.!?。！？])\s+|\n+/u)
    .map((sentence) => sentence.trim())
    .filter((sentence) => /[\p{L}\p{N}]/u.test(sentence))
    .map((sentence) => sentence.length > MAX_SENTENCE ? `${sentence.slice(0, MAX_SENTENCE)}…` : sentence);
}
