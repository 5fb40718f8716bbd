/**
 * Files.
 *
 * @module
 */
import { z } from "zod";
import type { Files } from "../core/files/files.ts";
import { UserId } from "../domain/conversation.ts";
import { AppError } from "../domain/error.ts";
import { File } from "../domain/file.ts";
import type { FileRow } from "../domain/table.ts";
import { type Bound, call, Download, onCall } from "./operation.ts";

const FileId = z.string().regex(/^file_[0-9a-z]+$/);
const NOT_FOUND = ["FileNotFoundError", "GoneError"] as const;

/** Stores a file. */
export const fileCreate = call({
  id: "file_create",
  summary: "Upload a file: its bytes as the body, or as the first file of a form",
  access: "user",
  input: z.strictObject({
    name: z.string().min(1).max(255).regex(/^[^\p{Cc}/\\]+$/u, "must not hold slashes or control characters")
      .default("file"),
    media_type: z.string().max(100).regex(/^[\w.+-]+\/[\w.+-]+$/).default("application/octet-stream"),
    user_id: UserId.optional(),
    bytes: z.custom<AsyncIterable<Uint8Array>>().optional(),
  }),
  output: File,
  status: 201,
  errors: ["PayloadTooLargeError", "UnsupportedMediaTypeError"],
  http: "POST /files",
  upload: "bytes",
  limit: "write",
});

/** Gives a file's bytes. */
export const fileDownload = call({
  id: "file_download",
  summary: "Download a file",
  access: "user",
  input: z.strictObject({ file_id: FileId, user_id: UserId.optional() }),
  output: Download,
  download: "notes.txt",
  errors: NOT_FOUND,
  http: "GET /files/{file_id}/content",
  limit: "read",
});

/** Shows a file. */
export const fileGet = call({
  id: "file_get",
  summary: "Get what is known of a file",
  access: "user",
  input: z.strictObject({ file_id: FileId, user_id: UserId.optional() }),
  output: File,
  errors: NOT_FOUND,
  http: "GET /files/{file_id}",
  limit: "read",
});

/** Deletes a file. */
export const fileDelete = call({
  id: "file_delete",
  summary: "Delete a file",
  access: "user",
  input: z.strictObject({ file_id: FileId, user_id: UserId.optional() }),
  output: z.null(),
  status: 204,
  errors: NOT_FOUND,
  http: "DELETE /files/{file_id}",
  limit: "write",
});

/** Every operation of this file. */
export const fileOperations = [fileCreate, fileDownload, fileGet, fileDelete] as const;

/** Binds this file's operations. */
export function bindFiles({ files }: { files: Files }): Bound[] {
  return [
    onCall(fileCreate, async ({ name, media_type, bytes }, { principal }) => {
      if (!bytes) throw new AppError("ValidationError", "Cannot store a file: the request has no bytes");
      return toFile(await files.create(principal, { name, media_type }, bytes));
    }),
    onCall(fileDownload, async ({ file_id }, { principal }) => {
      const row = await files.get(principal, file_id);
      return { name: row.name, media_type: row.media_type, size: row.size, body: await files.open(row) };
    }),
    onCall(fileGet, async ({ file_id }, { principal }) => toFile(await files.get(principal, file_id))),
    onCall(fileDelete, async ({ file_id }, { principal }) => {
      await files.delete(principal, file_id);
      return null;
    }),
  ];
}

function toFile({ id, name, media_type, size, sha256, user_id, created_at }: FileRow): File {
  return { id, name, media_type, size, sha256, user_id, created_at };
}
