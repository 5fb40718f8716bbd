/**
 * How many cells of a terminal a text takes.
 *
 * Made from the properties of Unicode that the engine knows anyway, so that it needs no table of its own.
 *
 * @module
 */

const NARROW = /^[\x20-\x7e]*$/;
const INVISIBLE = /^[\p{M}\p{Cf}\u1160-\u11ff]/u;
/** Half as wide as their script. */
const HALF = /^[\uff61-\uffdc]/;
const WIDE =
  /^[\p{Emoji_Presentation}\p{sc=Han}\p{sc=Hangul}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Bopomofo}\p{sc=Yi}\p{sc=Tangut}\u{16fe0}-\u{18dff}\u{1b170}-\u{1b2fb}\u2329\u232a\u2ff0-\u303e\u3099-\u30ff\u3190-\u33ff\u4dc0-\u4dff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6]/u;

const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** The characters of `text` as a reader counts them. */
export function graphemesOf(text: string): string[] {
  return NARROW.test(text) ? text.split("") : Array.from(segmenter.segment(text), ({ segment }) => segment);
}

/** How wide one such character is. */
export function graphemeWidth(grapheme: string): number {
  if (NARROW.test(grapheme)) return grapheme.length;
  if (INVISIBLE.test(grapheme)) return 0;
  if (grapheme.includes("\ufe0f") && /^\p{Emoji}/u.test(grapheme)) return 2;
  return WIDE.test(grapheme) && !HALF.test(grapheme) ? 2 : 1;
}

/** How wide `text` is. */
export function widthOf(text: string): number {
  return NARROW.test(text) ? text.length : graphemesOf(text).reduce((sum, one) => sum + graphemeWidth(one), 0);
}

/** `text`, cut to at most `width` cells, with a mark where something is missing. */
export function cutTo(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let cut = "";
  let used = 1;
  for (const grapheme of graphemesOf(text)) {
    used += graphemeWidth(grapheme);
    if (used > width) break;
    cut += grapheme;
  }
  return `${cut}…`;
}
