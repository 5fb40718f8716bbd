/**
 * Written text as somebody would read it aloud.
 *
 * @module
 */

/** One after the other: each leaves plain text behind, in a time that grows with the text. */
const RULES: readonly (readonly [RegExp, string])[] = [
  [/```[^\n]*(\n[\s\S]*?(```|$)|$)/g, " "],
  [/<!--[\s\S]*?-->|<\/?[a-zA-Z][^<>]*>/g, " "],
  [/^[ \t|:*_=-]+$/gm, " "],
  [/!?\[([^\][]*)\]\((?:[^()\n]|\([^()\n]*\))*\)/g, "$1"],
  [/<?https?:\/\/(?:www\.)?([^\s/<>)\]]*[^\s/<>)\].,;:!?])(?:[^\s<>)\]]*[^\s<>)\].,;:!?])?>?/g, "$1"],
  [/^\s{0,3}#{1,6}\s+/gm, ""],
  [/^\s*(>\s?)+/gm, ""],
  [/^\s*[-*+•]\s+(\[[ xX]\]\s+)?/gm, ""],
  [/^\s*\||\|\s*$/gm, ""],
  [/\s*\|\s*/g, ", "],
  [/(`+)([^`]+)\1/g, "$2"],
  [/(\*\*\*|\*\*|\*|~~)(?=\S)([\s\S]*?\S)\1/g, "$2"],
  [/(?<![\p{L}\p{N}])(__|_)(?=\S)([^_]*[^\s_])\1(?![\p{L}\p{N}])/gu, "$2"],
  [/\*\*|~~|`/g, ""],
  // Emoji with their joiners, skin tones and flags.
  [/[\p{Extended_Pictographic}\p{Regional_Indicator}\u{1F3FB}-\u{1F3FF}\u{FE0F}\u{200D}\u{20E3}]/gu, " "],
  [/&nbsp;/g, " "],
  [/&lt;/g, "<"],
  [/&gt;/g, ">"],
  [/&amp;/g, "&"],
  [/\s+([,.;:!?…])/g, "$1"],
  [/\s+/g, " "],
];

/** What is to be said of `text`: no Markdown, code, addresses or emoji. Empty when nothing is left to say. */
export function toSayable(text: string): string {
  let said = text;
  for (const [pattern, replacement] of RULES) said = said.replace(pattern, replacement);
  said = said.trim();
  return /[\p{L}\p{N}]/u.test(said) ? said : "";
}
