/**
 * Lists in pages, read to the end.
 *
 * @module
 */
import type { Log } from "../../kit/log.ts";
import { MAX_ENTRY, MAX_ITEMS, MAX_LIST, MAX_PAGES } from "./limits.ts";
import { AnswerMalformed } from "./request_errors.ts";
import { toFields, toList } from "./shape.ts";

/** Options for {@linkcode readList}. */
export interface ListOptions<T> {
  /** The field the entries stand in. */
  field: string;
  /** Throws `AnswerMalformed` for an entry that can't be used, which is then left out. */
  toEntry: (entry: unknown) => T;
  /** Asks for the page at a cursor, the first without one. */
  page: (cursor: string | undefined) => Promise<unknown>;
  log: Log;
}

/** Every entry of every page. A cursor that comes again ends the list; one that never ends is `AnswerMalformed`. */
export async function readList<T>({ field, toEntry, page, log }: ListOptions<T>): Promise<T[]> {
  const entries: T[] = [];
  const seen = new Set<string>();
  let cursor: string | undefined;
  let size = 0;
  for (let pages = 1;; pages++) {
    const result = toFields(await page(cursor), "list");
    for (const entry of toList(result[field], field)) {
      const { length } = JSON.stringify(entry);
      size += length;
      if (size > MAX_LIST) throw new AnswerMalformed(`Its list of ${field} is larger than ${MAX_LIST} characters`);
      try {
        if (length > MAX_ENTRY) throw new AnswerMalformed(`An entry is larger than ${MAX_ENTRY} characters`);
        entries.push(toEntry(entry));
      } catch (error) {
        if (!(error instanceof AnswerMalformed)) throw error;
        log.warn("A tool server lists what can't be used", { list: field, reason: error.message });
      }
    }
    const { nextCursor } = result;
    if (typeof nextCursor !== "string") return entries;
    if (seen.has(nextCursor)) {
      log.warn("A tool server's list goes round in circles", { list: field, pages });
      return entries;
    }
    if (pages >= MAX_PAGES || entries.length >= MAX_ITEMS) {
      throw new AnswerMalformed(`Its list of ${field} has more than ${MAX_PAGES} pages or ${MAX_ITEMS} entries`);
    }
    seen.add(nextCursor);
    cursor = nextCursor;
  }
}
