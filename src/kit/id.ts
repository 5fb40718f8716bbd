/**
 * Identifiers that sort by the time they were made.
 *
 * @module
 */

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";

/** Characters that count within a millisecond, and how far they count. */
const COUNT_CHARACTERS = 3;
const MAX_COUNT = 32 ** COUNT_CHARACTERS;
const RANDOM_CHARACTERS = 13;
/** Identifiers whose random characters are drawn at once, as a call for few costs as much as for many. */
const DRAWN = 64;

const CODES = Array.from(ALPHABET, (character) => character.charCodeAt(0));

let last = 0;
let count = 0;
/** The beginning of identifiers of the millisecond `last`. */
let lastText = toTimeText(0);
const random = new Uint8Array(DRAWN * RANDOM_CHARACTERS);
let used = random.length;
/** The codes of the last characters of an identifier. */
const tail: number[] = Array(COUNT_CHARACTERS + RANDOM_CHARACTERS).fill(0);

/**
 * Makes an identifier such as `run_01k9x3v8m2q4...`: the prefix, ten characters
 * of time (milliseconds), three that count within a millisecond, and 65 random
 * bits. They rise strictly within a process; and since many in a millisecond
 * don't run ahead of the clock, a process that follows goes on above. Lists page
 * by it.
 */
export function createId(prefix: string): string {
  const now = Date.now();
  if (now > last) begin(now);
  else if (++count === MAX_COUNT) begin(last + 1);
  if (used === random.length) {
    crypto.getRandomValues(random);
    used = 0;
  }
  for (let i = 0; i < COUNT_CHARACTERS; i++) tail[i] = CODES[count >> 5 * (COUNT_CHARACTERS - 1 - i) & 31]!;
  for (let i = 0; i < RANDOM_CHARACTERS; i++) tail[COUNT_CHARACTERS + i] = CODES[random[used++]! & 31]!;
  // At once: a text of many pieces has to be put together before it can be a key of a table.
  return `${prefix}_${lastText}${String.fromCharCode(...tail)}`;
}

function begin(ms: number): void {
  last = ms;
  count = 0;
  lastText = toTimeText(ms);
}

/** The ten characters that stand for a time (milliseconds) in an identifier. */
export function toTimeText(ms: number): string {
  return toText(Math.max(0, Math.floor(ms)), 10);
}

/** When an identifier was made, in milliseconds. */
export function timeOf(id: string): number {
  const start = id.indexOf("_") + 1;
  let ms = 0;
  for (const character of id.slice(start, start + 10)) ms = ms * 32 + ALPHABET.indexOf(character);
  return ms;
}

function toText(number: number, characters: number): string {
  let text = "";
  for (let rest = number, i = 0; i < characters; i++) {
    text = ALPHABET[rest % 32] + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}
