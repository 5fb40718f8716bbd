/**
 * Identifiers that sort by the time they were made.
 *
 * @module
 */

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";

let last = 0;

/**
 * Makes an identifier such as `run_01k9x3v8m2q4...`: the prefix, ten characters
 * of time (milliseconds, strictly rising within a process) and 80 random bits.
 * Lists page by it.
 */
export function createId(prefix: string): string {
  last = Math.max(Date.now(), last + 1);
  const random = crypto.getRandomValues(new Uint8Array(16));
  let tail = "";
  for (const byte of random) tail += ALPHABET[byte & 31];
  return `${prefix}_${toTimeText(last)}${tail}`;
}

/** The ten characters that stand for a time (milliseconds) in an identifier. */
export function toTimeText(ms: number): string {
  let text = "";
  for (let rest = Math.max(0, Math.floor(ms)), i = 0; i < 10; i++) {
    text = ALPHABET[rest % 32] + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}
