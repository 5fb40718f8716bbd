/**
 * Text of strangers, made fit for a terminal.
 *
 * Whatever a model or a tool says is data. A terminal takes some characters for orders: to move the cursor, name the
 * window, fill the clipboard, or show text in another order than it has. None of them get through; each is shown.
 *
 * @module
 */

/** What a terminal obeys instead of showing: controls, reordering, invisible tags, halves of characters. */
const UNSAFE =
  // deno-lint-ignore no-control-regex -- these are what it is about
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}\p{Cs}]/gu;
/** More marks than any script puts on one letter; a pile of them covers the lines around. */
const PILE = /(\p{M}{8})\p{M}+/gu;

const TAB = "    ";

function show(found: string): string {
  const code = found.codePointAt(0)!;
  if (found === "\t") return TAB;
  // Unicode has a picture of each of the old control characters.
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  return code === 0x7f ? "\u2421" : "\ufffd";
}

/** `text` with everything shown that a terminal would obey. Line ends stay. */
export function toSafe(text: string): string {
  return text.replaceAll(UNSAFE, show).replaceAll(PILE, "$1");
}

/** The same on one line, white space joined. */
export function toSafeLine(text: string): string {
  return toSafe(text.replaceAll(/\s+/g, " ").trim());
}

/** JSON on one line that shows nothing a terminal would obey, and means the same. */
export function toSafeJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(UNSAFE, (found) =>
    Array.from(
      { length: found.length },
      (_, i) => `\\u${found.charCodeAt(i).toString(16).padStart(4, "0")}`,
    ).join(""));
}
