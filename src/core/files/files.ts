/**
 * Files that people attach.
 *
 * @module
 */
import { ownerOf, type Principal, visibleTo } from "../../domain/access.ts";
import { AppError } from "../../domain/error.ts";
import type { FileRow } from "../../domain/table.ts";
import { type Clock, toTime } from "../../kit/clock.ts";
import { createId } from "../../kit/id.ts";
import type { Blobs } from "../../ports/blobs.ts";
import type { Store } from "../../ports/store.ts";

/** What {@linkcode Files} needs. */
export interface FilesDeps {
  store: Store;
  blobs: Blobs;
  clock: Clock;
  /** The most a file may hold, in bytes. */
  max_bytes: number;
}

/** Keeps files: a row for what they are, a blob for their bytes. */
export class Files {
  #deps: FilesDeps;

  constructor(deps: FilesDeps) {
    this.#deps = deps;
  }

  /** Stores what `bytes` yields. Rejects with `PayloadTooLargeError`, and keeps nothing then. */
  async create(
    principal: Principal,
    named: { name: string; media_type: string },
    bytes: AsyncIterable<Uint8Array>,
  ): Promise<FileRow> {
    const row = await this.hold(principal, named, bytes);
    try {
      await this.#deps.store.commit({ writes: [{ insert: "files", rows: [row] }] });
    } catch (error) {
      await this.#deps.blobs.delete(row.id);
      throw error;
    }
    return row;
  }

  /** Stores bytes only: the row is for the caller to store, and without one they are removed later. */
  async hold(
    principal: Principal,
    { name, media_type }: { name: string; media_type: string },
    bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<FileRow> {
    const { blobs, clock, max_bytes } = this.#deps;
    const id = createId("file");
    const { size, sha256 } = await blobs.put(id, bounded(bytes, max_bytes));
    const created_at = toTime(clock.now());
    return { ...ownerOf(principal), id, name, media_type, size, sha256, conversation_id: null, created_at };
  }

  /** The file `id`, if `principal` may see it. */
  async get(principal: Principal, id: string): Promise<FileRow> {
    const [row] = await this.#deps.store.read({ from: "files", where: { id, ...visibleTo(principal) }, limit: 1 });
    if (!row) throw new AppError("FileNotFoundError", `Cannot find file "${id}"`);
    return row;
  }

  /** The bytes of a file. */
  async open(row: FileRow): Promise<ReadableStream<Uint8Array>> {
    const body = await this.#deps.blobs.open(row.id);
    if (!body) throw new AppError("GoneError", `Cannot read file "${row.id}": its bytes are no longer kept`);
    return body;
  }

  /** Deletes what came with a conversation. */
  async deleteOf(conversation_id: string): Promise<void> {
    const { store, blobs } = this.#deps;
    for (;;) {
      const rows = await store.read({ from: "files", where: { conversation_id }, limit: 100 });
      if (rows.length === 0) return;
      await store.commit({ writes: [{ delete: "files", where: { id: { in: rows.map(({ id }) => id) } } }] });
      for (const { id } of rows) await blobs.delete(id);
    }
  }

  /** Deletes a file. Messages go on naming it. */
  async delete(principal: Principal, id: string): Promise<void> {
    const row = await this.get(principal, id);
    await this.#deps.store.commit({ writes: [{ delete: "files", where: { id: row.id } }] });
    await this.#deps.blobs.delete(row.id);
  }
}

async function* bounded(
  bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  max: number,
): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.byteLength;
    if (size > max) {
      throw new AppError("PayloadTooLargeError", `Cannot store the file: it has more than ${max} bytes`, {
        details: { max_bytes: max },
      });
    }
    yield chunk;
  }
}
