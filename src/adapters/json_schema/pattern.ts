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
  /** Steps that a text of so many characters may take. */
  cost(length: number): number;
  /** Instructions that it has become. */
  size: number;
}

const MAX_PATTERN = 2_000;
/** Steps a match may take in the worst case: some milliseconds of backtracking, some hundred of the other engine. */
const MAX_STEPS = 5_000_000;
/** Instructions a pattern may become, since every counted repeat becomes so many copies. */
const MAX_SIZE = 50_000;

/** What backtracking makes slow. */
interface Shape {
  /** Repeats that follow each other. */
  repeats: number;
  /** Whether one is inside another. */
  nested: boolean;
  /** Ways through what may be left out or be something else, as a power of two. */
  bits: number;
}

function shapeOf(pattern: string): Shape {
  const shape: Shape = { repeats: 0, nested: false, bits: 0 };
  const groups: { repeats: number; bits: number; ways: number }[] = [{ repeats: 0, bits: 0, ways: 1 }];
  /** Of what stands before: nothing to repeat, something plain, a group with more than one way through it. */
  let before: "nothing" | "plain" | "ways" = "nothing";
  for (let i = 0; i < pattern.length; i++) {
    const sign = pattern[i]!;
    const range = sign === "{" ? /^\{(\d+)(,?)(\d*)\}/.exec(pattern.slice(i, i + 24)) : null;
    if (range || "*+?".includes(sign)) {
      if (before !== "nothing") repeat(shape, { sign, range, ways: before === "ways" });
      before = "nothing";
      if (range) i += range[0].length - 1;
      continue;
    }
    before = "plain";
    if (sign === "\\") {
      // A reference back makes matching as hard as it gets.
      if (/[1-9k]/.test(pattern[i + 1] ?? "")) shape.nested = true;
      i++;
    } else if (sign === "[") {
      while (++i < pattern.length && pattern[i] !== "]") if (pattern[i] === "\\") i++;
    } else if (sign === "(") {
      groups.push({ repeats: shape.repeats, bits: shape.bits, ways: 1 });
      before = "nothing";
    } else if (sign === "|") {
      groups.at(-1)!.ways++;
      before = "nothing";
    } else if (sign === ")" && groups.length > 1) {
      const { repeats, bits, ways } = groups.pop()!;
      shape.bits += Math.log2(ways);
      // Alternatives that overlap are as bad as repeats once they are repeated.
      before = shape.repeats > repeats || shape.bits > bits ? "ways" : "plain";
    }
  }
  shape.bits += Math.log2(groups[0]!.ways);
  return shape;
}

function repeat(
  shape: Shape,
  { sign, range, ways }: { sign: string; range: RegExpExecArray | null; ways: boolean },
): void {
  const [, least = "", comma, most = ""] = range ?? [];
  const exactly = range && comma === "" ? Number(least) : undefined;
  const once = sign === "?" || exactly === 1 || (comma === "," && most !== "" && Number(most) <= 1);
  if (!once && ways) shape.nested = true;
  if (exactly !== undefined) return;
  if (once) shape.bits++;
  else shape.repeats++;
}

/** Steps that backtracking takes at worst: a power of the repeats that follow each other, more where they are nested. */
function stepsOf({ repeats, nested, bits }: Shape, length: number): number {
  return nested ? 2 ** (length + bits) * 16 : 2 ** bits * length ** (repeats + 1);
}

function safeLengthOf(shape: Shape): number {
  const { repeats, nested, bits } = shape;
  if (nested) return Math.max(0, Math.floor(Math.log2(MAX_STEPS / 16) - bits));
  if (repeats === 0 && bits === 0) return Infinity;
  return Math.floor((MAX_STEPS / 2 ** bits) ** (1 / (repeats + 1)));
}

/** The longest text on which backtracking stays within {@linkcode MAX_STEPS}; unlimited where there is one way only. */
export function toSafeLength(pattern: string): number {
  return safeLengthOf(shapeOf(pattern));
}

/** Reads `pattern` as JSON Schema means it. Throws a `SyntaxError` when it is none. */
export function toPattern(pattern: string): SafePattern {
  if (pattern.length > MAX_PATTERN) throw new SyntaxError(`a pattern is longer than ${MAX_PATTERN} characters`);
  const shape = shapeOf(pattern);
  const length = safeLengthOf(shape);
  const linear = length === Infinity ? null : toLinear(pattern);
  if (linear) {
    const size = linear.programSize();
    return {
      test: (text) => linear.matcher(text).find(),
      refused: refuser(pattern, Math.floor(MAX_STEPS / size)),
      cost: (length) => length * size,
      size,
    };
  }
  const native = new RegExp(pattern, "u");
  return {
    test: (text) => native.test(text),
    refused: refuser(pattern, length),
    cost: (length) => stepsOf(shape, length),
    size: pattern.length,
  };
}

function refuser(pattern: string, length: number): SafePattern["refused"] {
  return ({ length: given }) =>
    given > length ? `is too long (${given}) to be checked against "${pattern}" (${length})` : null;
}

/** At least as many instructions as `pattern` may become. */
function sizeOf(pattern: string): number {
  const repeats = Array.from(pattern.matchAll(/\{(\d+)(?:,(\d*))?\}/g), ([, least, most]) => Number(most || least));
  return pattern.length * repeats.reduce((sum, count) => sum + count, 1);
}

/** The pattern for an engine whose time grows with the text's length only; null when it needs what that can't do. */
function toLinear(pattern: string): RE2JS | null {
  if (sizeOf(pattern) > MAX_SIZE) return null;
  try {
    return RE2JS.compile(RE2JS.translateRegExp(pattern));
  } catch {
    return null;
  }
}
