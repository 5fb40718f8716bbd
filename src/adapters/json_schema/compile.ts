/**
 * Makes schemas from outside safe to run: within a budget, their patterns out of the validator's hands.
 *
 * @module
 */
import { format as formats, type OutputUnit, type Schema, type SchemaDraft, Validator } from "@cfworker/json-schema";
import { DynamicRefs } from "./dynamic_refs.ts";
import { type SafePattern, toPattern, toSafeLength } from "./pattern.ts";

const MAX_NODES = 20_000;
const MAX_DEPTH = 100;
/** Subschemas one check may visit: some hundred milliseconds at worst. */
const MAX_STEPS = 100_000;

/** Names of `patternProperties`, each of which is tried on every property. */
const MAX_NAME_PATTERNS = 50;
/** What a visit costs beside the visit, in steps: for each name that may be missing, and that is looked for. */
const PER_REQUIRED = 1 / 2;
const PER_COMPARED = 1 / 16;
/** For each character of the longest text, and for each step of a pattern. */
const PER_CHARACTER = 1 / 4096;
const PER_STEP = 1 / 256;
/** Instructions of all patterns together. */
const MAX_PATTERNS = 200_000;

const MAPS = new Set(["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"]);
const VALUES = new Set(["enum", "const", "default", "examples"]);
const PREFIX = "muxi-pattern ";

/** Thrown inside a check that goes too far; the message says what is wrong. */
export class TooMuch extends Error {
  override readonly name = "TooMuch";
}

/** Where a part of a schema stands, and who looks at its dynamic references. */
interface Place {
  /** Whether its keys are names, and no keywords. */
  isMap: boolean;
  depth: number;
  dynamic: DynamicRefs | undefined;
}

/** A schema that can be run. */
export class CompiledSchema {
  readonly #validator: Validator;
  readonly #patterns = new Map<string, SafePattern>();
  #nodes = 0;
  #steps = 0;
  #instructions = 0;
  /** The longest property name its `patternProperties` can be tried on. */
  nameLimit = Infinity;
  /** Characters of the longest text in what is checked. */
  longest = 0;
  /** Whether it compares items with each other, which takes the square of their number. */
  unique = false;

  constructor(schema: Record<string, unknown>) {
    const draft = toDraft(schema.$schema);
    const dynamic = draft === "2020-12" ? new DynamicRefs() : undefined;
    const copy = this.#copy(schema, { isMap: false, depth: 0, dynamic }) as Schema;
    if (dynamic?.problem !== undefined) throw new TooMuch(dynamic.problem);
    this.#validator = new Validator(copy, draft, false);
  }

  /** What is wrong with `value`. Throws {@linkcode TooMuch}, or an `Error` for a reference to nowhere. */
  run(value: unknown): OutputUnit[] {
    this.#steps = 0;
    // The validator knows formats only by a table of its own, so ours are in it while it runs.
    for (const [pattern, safe] of this.#patterns) {
      formats[PREFIX + pattern] = (text: string) => {
        const reason = safe.refused(text);
        if (reason !== null) throw new TooMuch(`a text ${reason}`);
        this.#step(safe.cost(text.length) * PER_STEP);
        return safe.test(text);
      };
    }
    try {
      return this.#validator.validate(value).errors;
    } finally {
      for (const pattern of this.#patterns.keys()) delete formats[PREFIX + pattern];
    }
  }

  /** A copy, since the validator writes into what it reads; each part counts its visits. */
  #copy(node: unknown, { isMap, depth, dynamic }: Place): unknown {
    if (typeof node !== "object" || node === null) return node;
    if (++this.#nodes > MAX_NODES || depth > MAX_DEPTH) throw new TooMuch("the schema is too large");
    const inside = (each: unknown, isMap: boolean) => this.#copy(each, { isMap, depth: depth + 1, dynamic });
    if (Array.isArray(node)) return node.map((each) => inside(each, false));
    const copy: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(node)) {
      if (key === "__proto__") continue;
      copy[key] = !isMap && VALUES.has(key) ? value : inside(value, !isMap && MAPS.has(key));
    }
    if (isMap) return copy;
    dynamic?.take(copy, { root: depth === 0 });
    this.#takePattern(copy);
    if (copy.uniqueItems === true) this.unique = true;
    if (typeof copy.patternProperties === "object" && copy.patternProperties !== null) {
      const names = Object.keys(copy.patternProperties);
      if (names.length > MAX_NAME_PATTERNS) throw new TooMuch("the schema has too many patterns of names");
      for (const name of names) {
        this.nameLimit = Math.min(this.nameLimit, toSafeLength(name));
      }
    }
    // The validator reads this keyword of every subschema it visits.
    if (!Object.hasOwn(copy, "$recursiveAnchor")) {
      const cost = visitCost(copy);
      const get = () => this.#step(looksAtText(copy) ? cost + this.longest * PER_CHARACTER : cost);
      Object.defineProperty(copy, "$recursiveAnchor", { enumerable: false, get });
    }
    return copy;
  }

  #step(cost: number): undefined {
    this.#steps += cost;
    if (this.#steps > MAX_STEPS) throw new TooMuch("it takes too many steps");
  }

  #takePattern(copy: Record<string, unknown>): void {
    const { pattern } = copy;
    if (typeof pattern !== "string") return;
    if (!this.#patterns.has(pattern)) {
      const safe = toPattern(pattern);
      this.#instructions += safe.size;
      if (this.#instructions > MAX_PATTERNS) throw new TooMuch("the schema has too many patterns");
      this.#patterns.set(pattern, safe);
    }
    delete copy.pattern;
    const own = { format: PREFIX + pattern };
    if (copy.format === undefined) copy.format = own.format;
    else copy.allOf = [...Array.isArray(copy.allOf) ? copy.allOf : [], own];
  }
}

/** What a visit of a subschema costs, whatever is checked. */
function visitCost(
  { enum: values, const: value, type, required, properties, dependentRequired, dependentSchemas }: Fields,
): number {
  const compared = sizeOf(values) + sizeOf(value) + sizeOf(type) + widthOf(properties) + widthOf(dependentSchemas);
  return 1 + compared * PER_COMPARED + (sizeOf(required) + sizeOf(dependentRequired)) * PER_REQUIRED;
}

/** Whether a visit reads a text from its beginning to its end. */
function looksAtText({ format, minLength, maxLength }: Fields): boolean {
  return format !== undefined || minLength !== undefined || maxLength !== undefined;
}

type Fields = Record<string, unknown>;

/** How many values there are in `value`, itself included. */
function sizeOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return value === undefined ? 0 : 1;
  return Object.values(value).reduce((sum: number, one) => sum + sizeOf(one), 1);
}

function widthOf(value: unknown): number {
  return typeof value === "object" && value !== null ? Object.keys(value).length : 0;
}

function toDraft(schema: unknown): SchemaDraft {
  const uri = typeof schema === "string" ? schema : "";
  if (uri.includes("draft-07") || uri.includes("draft-06")) return "7";
  if (uri.includes("draft-04")) return "4";
  return uri.includes("2019-09") ? "2019-09" : "2020-12";
}

/** The pattern a format error is about; null when it is about a real format. */
export function toPatternOf(error: string): string | null {
  const at = error.indexOf(`"${PREFIX}`);
  return at === -1 ? null : error.slice(at + PREFIX.length + 1, error.lastIndexOf('"'));
}
