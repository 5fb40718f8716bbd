/**
 * Which words of a sentence were heard, from how much of its sound was played.
 *
 * @module
 */

const words = new Intl.Segmenter(undefined, { granularity: "word" });

/** What stands where the listener heard no more. */
const CUT = " …";

/** Where the last word ends that lies wholly in the first `share` (0 to 1) of `text`. */
export function wordEnd(text: string, share: number): number {
  if (share >= 1) return text.length;
  const most = text.length * share;
  let end = 0;
  for (const { segment, index, isWordLike } of words.segment(text)) {
    const after = index + segment.length;
    if (after > most) break;
    if (isWordLike) end = after;
  }
  return end;
}

/** Which share (0 to 1) of `text` lies before the word that is said at `share`. */
export function wordStart(text: string, share: number): number {
  const at = text.length * share;
  let start = 0;
  for (const { index, isWordLike } of words.segment(text)) {
    if (index > at) break;
    if (isWordLike) start = index;
  }
  return text.length === 0 ? 0 : start / text.length;
}

/** How many words `text` has. */
export function countWords(text: string): number {
  let count = 0;
  for (const { isWordLike } of words.segment(text)) if (isWordLike) count++;
  return count;
}

/** The part of `text` that was heard, when it ends at `end`: as it is when that is all of it. */
export function cutText(text: string, end: number): string {
  if (text.slice(end).trim() === "") return text;
  const heard = text.slice(0, end).trimEnd();
  return heard === "" ? "" : heard + CUT;
}
