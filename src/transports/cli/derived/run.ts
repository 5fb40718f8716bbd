/**
 * Carries out an operation and shows its answer.
 *
 * @module
 */
import type { ErrorName } from "../../../domain/error.ts";
import type { Gateway } from "../../../operations/gateway.ts";
import type { Call, Operation, Stream, Visit } from "../../../operations/operation.ts";
import type { CommandContext } from "../command.ts";
import type { Connection } from "../connection.ts";
import { EXIT, toExitCode } from "../exit.ts";
import { type Given, UsageError } from "../given.ts";
import { isPaged, streamsByDefault } from "./answering.ts";
import { EventView, toJsonLine } from "./events.ts";
import { type Field, pathFieldsOf } from "./fields.ts";
import { isObject } from "./format.ts";
import { type Input, toInput } from "./input.ts";
import { toOnce } from "./once.ts";
import { isPage, ListView, showValue } from "./show.ts";
import { Sources } from "./sources.ts";
import { addUpload, type Download, print, save } from "./transfer.ts";

/** What {@linkcode runOperation} works with. */
export interface Work {
  given: Given;
  fields: readonly Field[];
  context: CommandContext;
}

type Answering = Call | Stream;

/** Carries out `op`. Answers with the exit code. */
export async function runOperation(op: Operation, { given, fields, context }: Work): Promise<number> {
  const names = pathFieldsOf(op);
  const once = toOnce(given);
  const sources = new Sources(context);
  const input = await toInput(given, { fields, names, sources });
  const answering = op as Answering;
  const download = op.kind === "call" && op.download !== undefined;
  if (download) checkTarget(given, context);
  const connection = await context.connect({ runs: op.kind === "stream" });
  const whole = op.upload === undefined ? input : await addUpload(input, {
    field: op.upload,
    path: given.positionals[names.length]!,
    fields: fields.map(({ path: [name = ""] }) => name),
    terminal: context.terminal,
    sources,
  });
  if (isPaged(op) && given.flag("all")) return await showAll(answering, whole, connection, context);
  const { gateway } = connection;
  const visit = connection.visit(once);
  if (op.kind === "stream" && wantsEvents(op, given)) return await showEvents(op, whole, { gateway, visit }, context);
  const value = await gateway.call(answering, () => whole, visit);
  if (download) return await keep(value as Download, given, context);
  showValue(value, op, context, names);
  return outcomeOf(op, value);
}

function wantsEvents(op: Stream, given: Given): boolean {
  return given.flag(op.flag ?? "stream") ?? streamsByDefault(op);
}

/** What started a run ends as the run did. */
function outcomeOf(op: Operation, ended: unknown): number {
  if (op.limit !== "run" || !isObject(ended) || !isObject(ended.error)) return EXIT.ok;
  return toExitCode(ended.error.error as ErrorName);
}

async function showEvents(
  op: Stream,
  input: Input,
  { gateway, visit }: { gateway: Gateway; visit: Visit },
  { terminal, style, errStyle, json }: CommandContext,
): Promise<number> {
  const items = await gateway.stream(op, () => input, visit);
  if (items === null) {
    if (!json) terminal.err(errStyle.dim("Nothing further: the run has ended\n"));
    return EXIT.ok;
  }
  const columns = terminal.isTerminal.out ? terminal.columns() : Infinity;
  const view = new EventView({ style, columns, write: (text) => terminal.out(text) });
  let code: number = EXIT.ok;
  try {
    for await (const item of items) {
      if (json) terminal.out(toJsonLine(item));
      else view.show(item);
      if (item.type === "run.failed") code = outcomeOf(op, JSON.parse(item.data));
    }
  } finally {
    if (!json) view.end();
  }
  return code;
}

async function showAll(
  op: Answering,
  input: Input,
  { gateway, visit }: Connection,
  context: CommandContext,
): Promise<number> {
  const view = new ListView(context, pathFieldsOf(op));
  let cursor = input.cursor;
  for (;;) {
    const given = { limit: 100, ...input, ...cursor !== undefined && cursor !== null && { cursor } };
    const page = await gateway.call(op, () => given, visit());
    if (!isPage(page)) {
      showValue(page, op, context, pathFieldsOf(op));
      return EXIT.ok;
    }
    view.add(page.data);
    cursor = page.next_cursor;
    if (!cursor) {
      view.end(page);
      return EXIT.ok;
    }
  }
}

function checkTarget(given: Given, { terminal, json }: CommandContext): void {
  const target = given.text("output") ?? "-";
  if (target !== "-") return;
  if (terminal.isTerminal.out) throw new UsageError("Cannot show bytes on a terminal: want -o FILE");
  if (json) throw new UsageError("Cannot answer in JSON where the bytes go: want -o FILE");
}

async function keep(download: Download, given: Given, context: CommandContext): Promise<number> {
  const target = given.text("output") ?? "-";
  if (target === "-") {
    await print(download, context.terminal);
    return EXIT.ok;
  }
  await save(download, target, context.signal);
  const { body: _, ...facts } = download;
  const { size } = await Deno.stat(target);
  if (context.json) context.terminal.out(`${JSON.stringify({ ...facts, size, path: target })}\n`);
  else context.terminal.out(`${context.style.green("Saved")} ${size} bytes to "${target}"\n`);
  return EXIT.ok;
}
