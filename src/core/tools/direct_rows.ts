/**
 * What is kept of calls that somebody made directly.
 *
 * @module
 */
import type { ToolCallRow } from "../../domain/table.ts";
import type { ToolResult } from "../../domain/tool.ts";
import { toTime } from "../../kit/clock.ts";
import { bytesOf, mediaOf } from "./result.ts";

/** The most of arguments and answers that their rows keep, in characters of JSON. */
const MAX_ROW = 16_384;

/** What is known of a call when it ends. */
type Known = Pick<ToolCallRow, "tenant_id" | "key_id" | "user_id" | "status" | "result" | "error" | "idempotent">;

/** The row of a call that belongs to no run. */
export function toRow(
  { tool, arguments: args, tool_call_id }: { tool: string; arguments: Record<string, unknown>; tool_call_id: string },
  known: Known,
  { started, ended }: { started: number; ended: number },
): ToolCallRow {
  const begun = toTime(started);
  return {
    ...known,
    id: tool_call_id,
    run_id: null,
    step_id: null,
    tool,
    arguments: short(args) as Record<string, unknown>,
    attempt: 1,
    duration_ms: ended - started,
    created_at: begun,
    started_at: begun,
    ended_at: toTime(ended),
  };
}

/** An answer without its media. */
export function toKept({ content, ...rest }: ToolResult): unknown {
  const kept = content.map((part) => {
    const media = mediaOf(part);
    return media ? { type: part.type, media_type: media.media_type, bytes: bytesOf(media.data) } : part;
  });
  return short({ ...rest, content: kept });
}

function short(value: unknown): unknown {
  const { length } = JSON.stringify(value);
  return length <= MAX_ROW ? value : { truncated: true, characters: length };
}
