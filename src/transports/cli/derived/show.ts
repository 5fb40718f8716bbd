/**
 * An answer on the standard output: for a person, or for a machine.
 *
 * @module
 */
import { Answer } from "../../../domain/run.ts";
import type { Operation } from "../../../operations/operation.ts";
import { toSafe, toSafeJson, toSafeLine } from "../chat/safe_text.ts";
import type { CommandContext } from "../command.ts";
import { wrapTo } from "../layout.ts";
import { isObject } from "./format.ts";
import { toRecord } from "./record.ts";
import { chooseColumns, leftOut, type Row, type TableOptions, toHeader, toRowLines } from "./table.ts";

/** A page of a list. */
export interface Page {
  data: Row[];
  next_cursor?: string | null;
}

/** Whether `value` is a list. */
export function isPage(value: unknown): value is Page {
  return isObject(value) && Array.isArray(value.data) && value.data.every(isObject);
}

/** How wide and since when, for `context`. */
export function tableOptions({ terminal, style }: CommandContext, known: readonly string[] = []): TableOptions {
  const columns = terminal.isTerminal.out ? terminal.columns() : Infinity;
  return { style, columns, now: Date.now(), known };
}

/** Shows lists page by page, as one table or one JSON document. */
export class ListView {
  readonly #context: CommandContext;
  readonly #options: TableOptions;
  #columns: ReturnType<typeof chooseColumns> | undefined;
  #rows = 0;
  readonly #leftOut = new Set<string>();

  constructor(context: CommandContext, known: readonly string[]) {
    this.#context = context;
    this.#options = tableOptions(context, known);
  }

  /** Shows the rows of one page. */
  add(rows: readonly Row[]): void {
    const { terminal, json } = this.#context;
    if (json) {
      for (const row of rows) terminal.out(`${this.#rows++ === 0 ? '{"data":[' : ","}${toSafeJson(row)}`);
      return;
    }
    if (rows.length === 0) return;
    if (this.#columns === undefined) {
      this.#columns = chooseColumns(rows, this.#options);
      terminal.out(`${toHeader(this.#columns, this.#options)}\n`);
    }
    for (const row of rows) terminal.out(`${toRowLines(row, this.#columns, this.#options).join("\n")}\n`);
    for (const title of leftOut(rows, this.#columns, this.#options)) this.#leftOut.add(title);
    this.#rows += rows.length;
  }

  /** Says that this was all, or where it would go on; `more` is what else came with the list. */
  end({ next_cursor, ...more }: Partial<Page>): void {
    const { terminal, json, errStyle } = this.#context;
    const { data: _, ...rest } = more;
    if (json) {
      const tail = toSafeJson({ ...rest, ...next_cursor !== undefined && { next_cursor } }).slice(1);
      return terminal.out(`${this.#rows === 0 ? '{"data":[' : ""}]${tail === "}" ? "" : ","}${tail}\n`);
    }
    if (this.#rows === 0) terminal.err(errStyle.dim("Nothing found\n"));
    if (this.#leftOut.size > 0) {
      const titles = [...this.#leftOut].join(", ");
      terminal.err(errStyle.dim(`No room for ${titles}: a wider terminal or --json shows them\n`));
    }
    for (const note of notesOf(rest)) terminal.err(errStyle.dim(`${note}\n`));
    if (next_cursor) terminal.err(errStyle.dim(`More with --cursor ${toSafeLine(next_cursor)}, all with --all\n`));
  }
}

/** A line for each part of the lists that came along: `servers: clock: stopped: …`. */
function notesOf(rest: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(rest).flatMap(([field, list]) => {
    const rows = Array.isArray(list) ? list.filter(isObject) : [];
    return rows.map((row) => {
      const words = Object.values(row).filter((value) => typeof value === "string");
      return toSafeLine([field, ...words].join(": "));
    });
  });
}

/** Shows one answer. `known` are fields that the caller gave. */
export function showValue(value: unknown, op: Operation, context: CommandContext, known: readonly string[]): void {
  const { terminal, json, style } = context;
  if (json && !isPage(value)) return terminal.out(`${toSafeJson(value)}\n`);
  if (isPage(value)) {
    const view = new ListView(context, known);
    view.add(value.data);
    return view.end(value);
  }
  if (!isObject(value)) return terminal.out(`${style.green("Done")}\n`);
  const columns = terminal.isTerminal.out ? terminal.columns() : Infinity;
  const options = { ...tableOptions(context), columns };
  if (op.kind === "stream" && op.output === Answer) {
    const { message, ...rest } = value as Answer;
    if (message !== null) terminal.out(`${wrapTo(toSafe(message.content), columns).join("\n")}\n\n`);
    return terminal.out(`${toRecord(rest, options).join("\n")}\n`);
  }
  terminal.out(`${toRecord(value, options).join("\n")}\n`);
}
