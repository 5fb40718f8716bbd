/**
 * Regular expressions from outside, which must not be able to stop the event loop.
 *
 * @module
 */
import { RE2JS } from "re2js";

/** A pattern as a test of texts; `refused` says why a text is not tested at all. */
export interface SafePattern {
  test(text: string): boolean;
  refused(text: string): string | null;
}

const MAX_PATTERN = 2_000;
/** Steps a backtracking match may take in the worst case: some milliseconds. */
const MAX_STEPS = 5_000_000;
/** Repeats up to this count as bounded. */
const SMALL_REPEAT = 32;

/**
 * The longest text on which backtracking stays within {@linkcode MAX_STEPS}: unlimited without repeats, a power of the
 * number of repeats when they follow each other, next to nothing when one is inside another.
 */
export function toSafeLength(pattern: string): number {
  let repeats = 0;
  let nested = false;
  const groups: { repeats: number; forks: boolean }[] = [];
  let closed = 0;
  for (let i = 0; i < pattern.length; i++) {
    const sign = pattern[i]!;
    const wasGroup = closed;
    closed = 0;
    if (sign === "\\") {
      // A reference back makes matching as hard as it gets.
      if (/[1-9k]/.test(pattern[i + 1] ?? "")) nested = true;
      i++;
    } else if (sign === "[") {
      while (++i < pattern.length && pattern[i] !== "]") if (pattern[i] === "\\") i++;
    } else if (sign === "(") groups.push({ repeats, forks: false });
    else if (sign === "|") { for (const group of groups) group.forks = true; }
    else if (sign === ")") {
      const group = groups.pop();
      // Alternatives that overlap are as bad as repeats once they are repeated.
      closed = group && (repeats > group.repeats || group.forks) ? 2 : 1;
    } else {
      const range = sign === "{" ? /^\{(\d+)(,?)(\d*)\}/.exec(pattern.slice(i, i + 24)) : null;
      const most = range ? range[2] === "" ? Number(range[1]) : range[3] === "" ? Infinity : Number(range[3]) : 0;
      if (sign === "*" || sign === "+" || most > SMALL_REPEAT) {
        repeats++;
        if (wasGroup === 2) nested = true;
      }
    }
  }
  if (nested) return 18;
  return repeats === 0 ? Infinity : Math.floor(MAX_STEPS ** (1 / (repeats + 1)));
}

/** Reads `pattern` as JSON Schema means it. Throws a `SyntaxError` when it is none. */
export function toPattern(pattern: string): SafePattern {
  if (pattern.length > MAX_PATTERN) throw new SyntaxError(`a pattern is longer than ${MAX_PATTERN} characters`);
  const length = toSafeLength(pattern);
  if (length !== Infinity) {
    const linear = toLinear(pattern);
    if (linear) return { test: (text) => linear.matcher(text).find(), refused: () => null };
  }
  const native = new RegExp(pattern, "u");
  return {
    test: (text) => native.test(text),
    refused: (text) =>
      text.length > length ? `is too long (${text.length}) to be checked against "${pattern}" (${length})` : null,
  };
}

/** The pattern for an engine whose time grows with the text's length only; null when it needs what that can't do. */
function toLinear(pattern: string): RE2JS | null {
  try {
    return RE2JS.compile(RE2JS.translateRegExp(pattern));
  } catch {
    return null;
  }
}
