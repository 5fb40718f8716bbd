/**
 * Makes a command of every operation.
 *
 * @module
 */
import { operations } from "../../../operations/mod.ts";
import type { Operation } from "../../../operations/operation.ts";
import { type Command, nameOf, type OptionSpec, type PositionalSpec, type Section } from "../command.ts";
import { isPaged, streamsByDefault } from "./answering.ts";
import { type Field, fieldsOf, pathFacts, type PathField } from "./fields.ts";
import { INPUT_OPTION } from "./input.ts";
import { ONCE_OPTION } from "./once.ts";
import { createNaming } from "./names.ts";

const ALL: OptionSpec = { name: "all", summary: "Go on to the last page" };
const OUTPUT: OptionSpec = {
  name: "output",
  short: "o",
  value: "FILE",
  summary: "Where to put the bytes; without it the standard output, if that is no terminal",
  wanted: "file",
};
const INPUT: OptionSpec = {
  name: INPUT_OPTION,
  value: "JSON",
  summary: "The whole input: JSON, @FILE or -; other options beat it",
};
const ONCE: OptionSpec = {
  name: ONCE_OPTION,
  value: "KEY",
  summary: "Makes sure that this happens once: whoever sends the same again with the same key gets the same",
};

function toStream(op: Operation): OptionSpec {
  const fallback = streamsByDefault(op) ? "events" : "the answer";
  return { name: "stream", negatable: true, summary: "Show events as they come", fallback };
}

function toOptions(op: Operation, fields: readonly Field[]): OptionSpec[] {
  const own = fields.map(({ option }) => option);
  const streams = op.kind === "stream" && op.flag === undefined;
  return [
    ...own.filter(({ required }) => required),
    ...own.filter(({ required }) => !required),
    ...isPaged(op) ? [ALL] : [],
    ...op.kind === "call" && op.download ? [OUTPUT] : [],
    ...streams ? [toStream(op)] : [],
    ...fields.length > 1 ? [INPUT] : [],
    ...op.once ? [ONCE] : [],
  ];
}

function toPositionals(op: Operation): PositionalSpec[] {
  const names = pathFacts(op).map(({ name, summary }): PositionalSpec => {
    return { name: name.toUpperCase(), ...summary !== undefined && { summary } };
  });
  if (op.upload === undefined) return names;
  return [...names, { name: "FILE", summary: "What to upload; - for the standard input", wanted: "file" }];
}

/** What people name themselves. */
const SAMPLE_NAMES: Readonly<Record<string, string>> = {
  agent_id: "assistant",
  user_id: "ada",
  server_name: "files",
  policy_id: "files",
  tool_name: "files__read_text_file",
  prompt_name: "files__summary",
};

/** An id as it might be, for examples. */
function toSampleId({ name, prefix = name.replace(/id$/, "") }: PathField): string {
  return SAMPLE_NAMES[name] ?? `${prefix}01…`;
}

function toSample({ kind, example, option: { name, wanted } }: Field): string {
  const value = Array.isArray(wanted)
    ? wanted[0]
    : example !== undefined
    ? kind === "json" ? `'${example}'` : example
    : kind === "json"
    ? "'{…}'"
    : kind === "number"
    ? "1"
    : /-id$/.test(name) || name === "id"
    ? "scout"
    : '"…"';
  return `--${name} ${value}`;
}

function toExamples(op: Operation, command: string, fields: readonly Field[]): string[] {
  const ids = pathFacts(op).map(toSampleId);
  const upload = op.upload === undefined ? [] : ["photo.png"];
  const needed = fields.filter(({ option }) => option.required).map(toSample);
  const start = ["muxi", command, ...ids, ...upload, ...needed].join(" ");
  if (op.kind === "call" && op.download) return [`${start} -o ${op.download}`];
  const choice = fields.find(({ option }) =>
    !option.required && Array.isArray(option.wanted) && option.name !== "order"
  );
  const given = fields.filter(({ kind, example, option }) =>
    kind === "json" && !option.required && example !== undefined
  ).map(toSample);
  const cursor = op.kind === "stream" && op.cursor !== undefined ? [`${start} --starting-after 3 --json`] : [];
  return [
    start,
    ...given.length > 0 ? [[start, ...given].join(" ")] : [],
    ...cursor,
    ...isPaged(op) ? [`${start}${choice ? ` ${toSample(choice)}` : ""} --all --json`] : [],
  ];
}

/** Under which heading the commands of a group are: who most of them are for. */
function sectionOf(group: readonly Operation[]): Section {
  if (group.every(({ access }) => access === "public")) return "Server";
  const admin = group.filter(({ access }) => access === "admin").length;
  return admin * 2 > group.length ? "Administration" : "Work";
}

/** Makes commands of `ops` that do not collide with those by hand. */
export function deriveCommands(
  byHand: readonly Command[],
  ops: ReadonlyMap<string, Operation> = operations,
): readonly Command[] {
  const all = [...ops.values()].filter(({ kind }) => kind !== "duplex");
  const wordsOf = createNaming(all, byHand);
  const groups = Map.groupBy(all, (op) => wordsOf(op)[0]!);
  /** Who reads help knows operations by their commands. */
  const toText = (said: string) =>
    said.replaceAll(/`([^`]*)`/g, (_, name: string) => {
      const op = ops.get(name);
      return op === undefined || op.kind === "duplex" ? name : `"${nameOf({ words: wordsOf(op) })}"`;
    });
  return Array.from(groups.values()).flatMap((group) =>
    group.map((op) => toCommand(op, { words: wordsOf(op), section: sectionOf(group), toText }))
  );
}

/** A value that is made when somebody asks for it, and once. */
function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

function toCommand(
  op: Operation,
  { words, section, toText }: { words: readonly string[]; section: Section; toText(said: string): string },
): Command {
  const [method, path = ""] = op.http.split(" ");
  // Schemas are read only for the one command that is used, as that takes a while.
  const fields = once(() => fieldsOf(op, { toText }));
  const positionals = once(() => toPositionals(op));
  const options = once(() => toOptions(op, fields()));
  return {
    words,
    section,
    get summary() {
      return toText(op.summary);
    },
    get positionals() {
      return positionals();
    },
    get options() {
      return options();
    },
    get examples() {
      return toExamples(op, nameOf({ words }), fields());
    },
    access: op.access,
    http: `${method} ${path.startsWith("^") ? path.slice(1) : `/api/v1${path}`}`,
    connects: true,
    run: async (given, context) => (await import("./run.ts")).runOperation(op, { given, fields: fields(), context }),
  };
}
