/**
 * Words of a call that is written as one text, as a shell would read them.
 *
 * @module
 */
import { UsageError } from "../given.ts";

const AS_JSON = `or all arguments as JSON: '{"NAME": "VALUE"}'`;

/** What to do about `quote`, which nobody closes in `text`. */
function unclosed(quote: string, text: string): UsageError {
  return new UsageError(`Cannot read ${text.trim()}: the quote ${quote} is never closed: want it closed, ${AS_JSON}`);
}

/**
 * The words of `text`: quotes hold words together and are taken off, a backslash stands before what is meant as it is.
 * What begins as JSON behind `NAME=` is left as it is up to its end.
 */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (char === "'" || char === '"') {
      const end = closing(text, i);
      if (end === undefined) throw unclosed(char, text);
      const inside = text.slice(i + 1, end);
      word = (word ?? "") + (char === "'" ? inside : inside.replace(/\\(["\\])/g, "$1"));
      i = end;
    } else if (char === "\\" && i + 1 < text.length) {
      word = (word ?? "") + text[++i];
    } else {
      const json = /[[{]/.test(char) && word?.endsWith("=") ? jsonAt(text, i) : undefined;
      word = (word ?? "") + (json ?? char);
      i += (json ?? char).length - 1;
    }
  }
  return word === undefined ? words : [...words, word];
}

/** Where the quote at `start` is closed. In single quotes a backslash is one. */
function closing(text: string, start: number): number | undefined {
  for (let i = start + 1; i < text.length; i++) {
    if (text[i] === "\\" && text[start] === '"') i++;
    else if (text[i] === text[start]) return i;
  }
}

/** The JSON that begins at `start`, if it is one. */
function jsonAt(text: string, start: number): string | undefined {
  for (let end = start + 1; end <= text.length; end++) {
    if (!/[\]}]/.test(text[end - 1]!)) continue;
    const json = text.slice(start, end);
    if (isJson(json)) return json;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Throws for a word of the command line whose value begins with a quote that is never closed: a shell took it apart. */
export function checkQuotes(word: string): void {
  const [, quote, rest] = /^[^=]+=(["'])(.*)$/s.exec(word) ?? [];
  if (quote === undefined || rest!.includes(quote)) return;
  throw unclosed(quote, word);
}
