/**
 * Lists in pages.
 *
 * @module
 */
import { z } from "zod";

/** What every list takes. The cursor is opaque: `next_cursor` of the page before. */
export const PageInput = {
  limit: z.number().int().min(1).max(100).default(20).describe("How many items at most"),
  cursor: z.string().max(128).regex(/^[\w.@:|+-]+$/).optional()
    .describe("`next_cursor` of the page before"),
  order: z.enum(["asc", "desc"]).default("desc").describe("Oldest or newest first"),
};

/** What {@linkcode PageInput} parses to. */
export interface PageRequest {
  limit: number;
  cursor?: string | undefined;
  order: "asc" | "desc";
}

/** A page of `item`. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({ data: z.array(item), next_cursor: z.string().nullable() });
}

/** One page. */
export interface Page<T> {
  data: T[];
  next_cursor: string | null;
}

/** Makes a page of `rows`, of which one more than `limit` was asked for. */
export function toPage<T>(rows: T[], limit: number, keyOf: (row: T) => string): Page<T> {
  const data = rows.slice(0, limit);
  const last = data.at(-1);
  return { data, next_cursor: rows.length > limit && last !== undefined ? keyOf(last) : null };
}
