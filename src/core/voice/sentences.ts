/**
 * Pieces of a text that can be said by themselves, as the text grows.
 *
 * @module
 */
import { endsAbbreviated } from "./abbreviations.ts";
import { toSayable } from "./sayable.ts";

/** From how many characters on a piece may end between two parts of a sentence, and where it ends at the latest. */
const LONG = 200;
const MOST = 400;

/** Full stops of the scripts that put no space behind them. */
const CLOSED_STOP = /[。！？｡︒]/;
/** Full stops of the others: Latin, Arabic, Devanagari, Greek, Armenian, Ethiopic, Khmer, Burmese. */
const STOP = /[.!?…؟۔।॥;։።៕။]/;
/** What code stands between. */
const FENCE = "```";
const CLOSING = /["'”’»«)\]}*_」』）】]/;

/** A piece, and the part of the text that it stands for. */
export interface Sentence {
  /** As it is to be said; empty when the part is nothing for ears. */
  text: string;
  /** As it was written. */
  raw: string;
  from: number;
  to: number;
}

/** Cuts a text that comes in pieces. */
export class Sentences {
  #rest = "";
  #from = 0;
  /** Up to where the rest was searched in vain. */
  #searched = 0;

  /** The sentences that `text` completes. */
  push(text: string): Sentence[] {
    this.#rest += text;
    const found: Sentence[] = [];
    for (let end; (end = this.#end()) !== undefined;) found.push(this.#cut(end));
    return found;
  }

  /** What is left, as the last sentence. */
  flush(): Sentence[] {
    return this.#rest === "" ? [] : [this.#cut(this.#rest.length)];
  }

  #cut(end: number): Sentence {
    const from = this.#from;
    const raw = this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end);
    this.#from += end;
    this.#searched = 0;
    // Code is nothing for ears, however long it is.
    const text = /^\s*```/.test(raw) ? "" : toSayable(raw);
    return { text, raw, from, to: this.#from };
  }

  /** Where the next sentence ends; undefined as long as that is not certain. */
  #end(): number | undefined {
    const text = this.#rest;
    const start = text.search(/\S/);
    if (start === -1) return undefined;
    if (text.startsWith(FENCE, start)) {
      const end = text.indexOf(FENCE, Math.max(start + FENCE.length, this.#searched - FENCE.length));
      return end === -1 ? this.#wait(text.length) : end + FENCE.length;
    }
    for (let at = Math.max(start, this.#searched); at < text.length; at++) {
      const character = text[at]!;
      if (character === "\n") return at + 1;
      if (character === "`" && text.startsWith(FENCE, at)) return at;
      if (CLOSED_STOP.test(character)) {
        const end = afterClosing(text, at + 1);
        // A closing quotation mark may come.
        return end === text.length ? this.#wait(at) : end;
      }
      if (STOP.test(character)) {
        const end = stopEnd(text, at);
        if (end === undefined) return this.#wait(at);
        if (end > 0) return end;
      }
    }
    // A fence may have begun.
    this.#searched = Math.max(0, text.length - FENCE.length);
    return text.length > LONG ? longEnd(text) : undefined;
  }

  #wait(at: number): undefined {
    this.#searched = at;
    return undefined;
  }
}

function afterClosing(text: string, at: number): number {
  let end = at;
  while (end < text.length && (CLOSING.test(text[end]!) || CLOSED_STOP.test(text[end]!))) end++;
  return end;
}

/** Where a sentence ends that may end with the stop at `at`; 0 when it doesn't, undefined when more text has to tell. */
function stopEnd(text: string, at: number): number | undefined {
  let end = at + 1;
  while (end < text.length && (STOP.test(text[end]!) || CLOSING.test(text[end]!))) end++;
  const behind = /^(\s*)(\S?)/.exec(text.slice(end))!;
  if (end === text.length) return undefined;
  if (behind[1] === "") return 0;
  if (behind[2] === "" && !behind[1]!.includes("\n")) return undefined;
  // The semicolon ends a sentence in Greek alone.
  if (text[at] === ";" && !/\p{Script=Greek}/u.test(text.slice(0, at))) return 0;
  if (text[at] === "." && endsAbbreviated(text.slice(0, at), behind[2]!)) return 0;
  if (/\p{Ll}/u.test(behind[2]!)) return 0;
  return end;
}

/** Where a sentence may be parted that is too long to be said in one breath. */
function longEnd(text: string): number | undefined {
  const part = /^[\s\S]{100,}[,;:–—，、；：]\s/.exec(text.slice(0, MOST));
  if (part) return part[0].length;
  if (text.length < MOST) return undefined;
  const space = text.lastIndexOf(" ", MOST);
  return space > 0 ? space + 1 : MOST;
}
