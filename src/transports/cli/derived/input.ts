/**
 * The input of an operation, from what was given on the command line.
 *
 * @module
 */
import { type Given, UsageError } from "../given.ts";
import type { Field } from "./fields.ts";
import type { Sources } from "./sources.ts";

/** An operation's input in the making. */
export type Input = Record<string, unknown>;

/** The option that gives the whole input. */
export const INPUT_OPTION = "input";

function toNumber(text: string, flag: string): number {
  if (/^-?\d+(\.\d+)?(e[-+]?\d+)?$/i.test(text)) return Number(text);
  throw new UsageError(`The option "${flag}" wants a number, not "${text}"`);
}

async function toValue({ kind }: Field, text: string, { flag, sources }: { flag: string; sources: Sources }) {
  if (kind === "number") return toNumber(text, flag);
  if (kind === "flag") return text === "true";
  if (kind === "long") return await sources.text(text, flag);
  if (kind === "json") return await sources.json(text, flag);
  // Of what may be either, only an object, a list and a text in quotes can't be meant as they stand.
  return kind === "any" && /^[[{"@]/.test(text) ? await sources.json(text, flag) : text;
}

/** What `field` was given; undefined when it wasn't. */
async function valueOf(field: Field, given: Given, sources: Sources): Promise<unknown> {
  const { list, option: { name, value } } = field;
  const flag = `--${name}`;
  if (value === undefined) return given.flag(name);
  if (given.flag(name) === false) return null;
  const texts = given.list(name);
  if (texts.length === 0) return undefined;
  if (!list) return await toValue(field, texts.at(-1)!, { flag, sources });
  const values: unknown[] = [];
  for (const text of texts) {
    const one = await toValue(field, text, { flag, sources });
    values.push(...Array.isArray(one) ? one : [one]);
  }
  return values;
}

function put(input: Input, [name = "", ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) return void (input[name] = value);
  const inside = input[name];
  const made = typeof inside === "object" && inside !== null ? { ...inside } as Input : {};
  input[name] = made;
  put(made, rest, value);
}

async function readWhole(given: Given, sources: Sources): Promise<Input> {
  const text = given.text(INPUT_OPTION);
  if (text === undefined) return {};
  const whole = await sources.json(text, `--${INPUT_OPTION}`);
  if (typeof whole === "object" && whole !== null && !Array.isArray(whole)) return { ...whole };
  throw new UsageError(`Cannot use "--${INPUT_OPTION}": want an object`);
}

/** Makes the input: the whole of `--input`, over it what single options say, over that what is in the path. */
export async function toInput(
  given: Given,
  { fields, names, sources }: { fields: readonly Field[]; names: readonly string[]; sources: Sources },
): Promise<Input> {
  const input = await readWhole(given, sources);
  for (const field of fields) {
    const value = await valueOf(field, given, sources);
    if (value !== undefined) put(input, field.path, value);
  }
  names.forEach((name, i) => input[name] = given.positionals[i]);
  for (const { path: [name = ""], option: { required, value, name: option } } of fields) {
    if (required && input[name] === undefined) {
      throw new UsageError(`The option "--${option}" is needed: want --${option} ${value}`);
    }
  }
  return input;
}
