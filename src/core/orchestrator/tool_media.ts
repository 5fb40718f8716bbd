/**
 * Pictures, sounds and files that tools answer with: kept as files of the conversation.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { FileRow, RunRow } from "../../domain/table.ts";
import type { ToolContent, ToolResult } from "../../domain/tool.ts";
import type { Files } from "../files/files.ts";
import { bytesOf, mediaOf } from "../tools/result.ts";

/** How many files one answer may leave. */
const MAX_FILES = 20;

/** An answer whose media are files by now, with the rows that are still to be stored. */
export interface Kept {
  result: ToolResult;
  files: FileRow[];
}

/** Keeps what is no text of `result`, for `run`. */
export async function keepMedia(run: RunRow, result: ToolResult, { files }: { files: Files }): Promise<Kept> {
  const rows: FileRow[] = [];
  const content: ToolContent[] = [];
  for (const part of result.content) {
    const media = mediaOf(part);
    if (!media) {
      content.push(part);
      continue;
    }
    const { media_type, data } = media;
    const row = rows.length < MAX_FILES ? await keep(run, { files, media_type, data }) : undefined;
    if (!row) {
      content.push({ type: "text", text: `(${media_type}, ${bytesOf(data)} bytes: it can't be kept)` });
      continue;
    }
    rows.push(row);
    content.push({ type: "resource_link", uri: `muxi://files/${row.id}`, name: row.name, media_type, size: row.size });
  }
  return rows.length === 0 && content.every((part, i) => part === result.content[i])
    ? { result, files: [] }
    : { result: { ...result, content }, files: rows };
}

async function keep(
  run: RunRow,
  { files, media_type, data }: { files: Files; media_type: string; data: string },
): Promise<FileRow | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = Uint8Array.fromBase64(data);
  } catch {
    // A server may call anything Base64.
    return undefined;
  }
  const { tenant_id, key_id, user_id, conversation_id } = run;
  const principal = { tenant_id, key_id, access: "user", scopes: [], may_assert_user: false } as const;
  const owner = user_id === null ? principal : { ...principal, user_id };
  try {
    const row = await files.hold(owner, { name: nameOf(media_type), media_type }, [bytes]);
    return { ...row, conversation_id };
  } catch (error) {
    if (error instanceof AppError && error.name === "PayloadTooLargeError") return undefined;
    throw error;
  }
}

function nameOf(media_type: string): string {
  const [kind = "file", subtype = ""] = media_type.split("/");
  const ending = /^[a-z0-9]{1,10}$/.test(subtype) ? `.${subtype === "jpeg" ? "jpg" : subtype}` : "";
  return `${/^(image|audio|video)$/.test(kind) ? kind : "file"}${ending}`;
}
