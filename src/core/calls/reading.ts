/**
 * How a call's conversation is read by who answers in it, where its client changed that. The conversation itself stays as
 * it was said.
 *
 * @module
 */
import { CALL_HISTORY } from "../../domain/call_history.ts";
import { AppError } from "../../domain/error.ts";
import type { MessageRow } from "../../domain/table.ts";
import type { ConversationReading } from "../orchestrator/context.ts";

/**
 * See the module. A message is named by its id, by the turn in which it was said, or as its client named it; a call of a
 * tool, with its result, by its id.
 */
export class Reading implements ConversationReading {
  readonly #forgotten = new Set<string>();
  /** Behind which message another stands; null: before all of them. In the order in which they were put there. */
  #places = new Map<string, string | null>();

  /** Leaves out what `name` means. Throws `TooManyRequestsError`. */
  forget(name: string): void {
    if (this.#forgotten.has(name)) return;
    this.#admit(1);
    this.#forgotten.add(name);
  }

  /**
   * Puts the messages `names` behind `after`, or before everything, each behind the one before. Throws
   * `TooManyRequestsError`, and then puts none.
   */
  place(names: readonly string[], after: string | null): void {
    this.#admit(names.filter((name) => !this.#places.has(name)).length);
    for (const name of names) {
      this.#places.delete(name);
      this.#places.set(name, after);
      after = name;
    }
  }

  /**
   * There will be no message `name`: of those that were put behind it the one that is read first takes its place, and
   * the others stand behind that one. Returns this heir, and whether `name` had been put anywhere.
   */
  leave(name: string): { heir: string | undefined; placed: boolean } {
    const placed = this.#places.has(name);
    const heir = [...this.#places].findLast(([, after]) => after === name)?.[0];
    const left = [...this.#places].flatMap(([one, after]): [string, string | null][] => {
      if (one === heir || (one === name && heir === undefined)) return [];
      return [[one === name ? heir! : one, after === name ? heir! : after]];
    });
    this.#places = new Map(left);
    return { heir, placed };
  }

  apply(rows: readonly MessageRow[]): MessageRow[] {
    if (this.#forgotten.size + this.#places.size === 0) return [...rows];
    const read = [...rows];
    for (const [name, after] of this.#places) move(read, name, after);
    // What is left out still is where others stand behind.
    return read.flatMap((row) => this.#without(row));
  }

  #admit(count: number): void {
    const { changes } = CALL_HISTORY;
    if (this.#forgotten.size + this.#places.size + count <= changes) return;
    throw new AppError("TooManyRequestsError", `Cannot change more than ${changes} messages of what is read`);
  }

  /** What is left of `row`: its words and its calls go by themselves, unless a client brought them. */
  #without(row: MessageRow): MessageRow[] {
    const forgotten: ReadonlySet<unknown> = this.#forgotten;
    const silent = namesOf(row).some((name) => forgotten.has(name));
    if (row.metadata.rtc_message_id !== undefined) return silent ? [] : [row];
    const calls = row.tool_calls ?? [];
    const tool_calls = calls.filter(({ tool_call_id }) => !forgotten.has(tool_call_id));
    if (!silent && tool_calls.length === calls.length) return [row];
    const content = silent ? "" : row.content;
    return content === "" && tool_calls.length === 0 ? [] : [{ ...row, content, tool_calls }];
  }
}

/** Where a place can't be found the message stays where it is. */
function move(rows: MessageRow[], name: string, after: string | null): void {
  if (name === after) return;
  const from = rows.findIndex((row) => namesOf(row).includes(name));
  const [row] = from < 0 ? [] : rows.splice(from, 1);
  if (!row) return;
  const before = after === null ? -1 : rows.findLastIndex((row) => means(row, after));
  rows.splice(after !== null && before < 0 ? from : before + 1, 0, row);
}

function means(row: MessageRow, name: string): boolean {
  return namesOf(row).includes(name) || (row.tool_calls?.some(({ tool_call_id }) => tool_call_id === name) ?? false);
}

function namesOf({ id, metadata: { rtc_message_id, turn_id } }: MessageRow): unknown[] {
  return [id, rtc_message_id ?? turn_id];
}
