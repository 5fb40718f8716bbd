/**
 * Bytes in a folder, one file each, encrypted where a key is given.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { AppError } from "../../domain/error.ts";
import type { Blobs } from "../../ports/blobs.ts";
import { ChunkCipher, HEADER_SIZE, importMasterKey, SEALED_CHUNK_SIZE } from "./sealed_chunks.ts";
import { readExactly, Rechunker, writeAll } from "./bytes.ts";

/** Options for {@linkcode openFileBlobs}. */
export interface FileBlobsOptions {
  /** Created when missing. */
  dir: string;
  /** Encrypts what is stored from now on; everything in the folder must be encrypted with it. */
  encryptionKey?: string;
}

const ID = /^[a-z]+_[0-9a-z]+$/;
const TEMPORARY = ".tmp-";
const SEALED = ".enc";
const READ_SIZE = 65_536;

/** Opens the folder and removes what an earlier process left unfinished. */
export async function openFileBlobs({ dir, encryptionKey }: FileBlobsOptions): Promise<Blobs> {
  try {
    await Deno.mkdir(dir, { recursive: true, mode: 0o700 });
    for await (const entry of Deno.readDir(dir)) {
      if (entry.name.startsWith(TEMPORARY)) await Deno.remove(join(dir, entry.name));
    }
  } catch (error) {
    throw new AppError("ConfigurationError", `Cannot use the folder "${dir}" for files`, { cause: error });
  }
  return new FileBlobs(dir, encryptionKey === undefined ? undefined : await importMasterKey(encryptionKey));
}

class FileBlobs implements Blobs {
  readonly #dir: string;
  readonly #key: CryptoKey | undefined;

  constructor(dir: string, key: CryptoKey | undefined) {
    this.#dir = dir;
    this.#key = key;
  }

  async put(id: string, bytes: AsyncIterable<Uint8Array>): Promise<{ size: number; sha256: string }> {
    const path = this.#pathOf(id);
    const temporary = join(this.#dir, `${TEMPORARY}${id}-${crypto.randomUUID()}`);
    const file = await openNew(temporary, id);
    try {
      let result;
      try {
        result = await this.#write(file, id, bytes);
      } finally {
        file.close();
      }
      await Deno.rename(temporary, path);
      return result;
    } catch (error) {
      await Deno.remove(temporary).catch(() => {});
      throw error instanceof FileFault ? unavailable(id, error.cause) : error;
    }
  }

  async open(id: string): Promise<ReadableStream<Uint8Array> | undefined> {
    const file = await openExisting(this.#pathOf(id));
    if (file !== undefined) return this.#key === undefined ? toPlainStream(file) : await toStream(file, this.#key, id);
    if (await exists(this.#otherPathOf(id))) {
      const why = this.#key === undefined
        ? "it is encrypted and no key is set"
        : "it is not encrypted and a key is set";
      throw new AppError("ConfigurationError", `Cannot read file "${id}": ${why}`);
    }
    return undefined;
  }

  async delete(id: string): Promise<void> {
    for (const path of [this.#pathOf(id), this.#otherPathOf(id)]) {
      await Deno.remove(path).catch((error) => {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      });
    }
  }

  async *list(): AsyncIterable<string> {
    for await (const { name, isFile } of Deno.readDir(this.#dir)) {
      const id = name.endsWith(SEALED) ? name.slice(0, -SEALED.length) : name;
      if (isFile && ID.test(id)) yield id;
    }
  }

  async #write(file: Deno.FsFile, id: string, bytes: AsyncIterable<Uint8Array>) {
    const hash = createHash("sha256");
    let size = 0;
    const sealer = this.#key === undefined ? undefined : await createSealer(file, this.#key, id);
    for await (const piece of bytes) {
      hash.update(piece);
      size += piece.length;
      if (sealer === undefined) await guard(() => writeAll(file, piece));
      else await sealer.write(piece);
    }
    await sealer?.end();
    return { size, sha256: hash.digest("hex") };
  }

  #pathOf(id: string): string {
    return join(this.#dir, this.#key === undefined ? checkId(id) : checkId(id) + SEALED);
  }

  /** Where it would be if the key had been set, or not set, when it was stored. */
  #otherPathOf(id: string): string {
    return join(this.#dir, this.#key === undefined ? checkId(id) + SEALED : checkId(id));
  }
}

/** A failure of the file system, told apart from one of whoever gives the bytes. */
class FileFault extends Error {}

async function guard<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw new FileFault("The file system failed", { cause: error });
  }
}

function unavailable(id: string, cause: unknown): AppError {
  return new AppError("UnavailableError", `Cannot store file "${id}": the disk can't be written`, { cause });
}

/** An id becomes a file's name, so nothing else may. */
function checkId(id: string): string {
  if (!ID.test(id)) throw new AppError("ValidationError", `Cannot use "${id}" as a file's id: it must match ${ID}`);
  return id;
}

async function openNew(path: string, id: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
  } catch (error) {
    throw unavailable(id, error);
  }
}

async function openExisting(path: string): Promise<Deno.FsFile | undefined> {
  try {
    return await Deno.open(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

async function createSealer(file: Deno.FsFile, key: CryptoKey, id: string) {
  const { cipher, header } = await ChunkCipher.create(key, id);
  await guard(() => writeAll(file, header));
  return new Rechunker(async (chunk, last) => {
    const sealed = await cipher.seal(chunk, last);
    await guard(() => writeAll(file, sealed));
  });
}

function toPlainStream(file: Deno.FsFile): ReadableStream<Uint8Array> {
  return fromPull(file, async () => {
    const chunk = await readExactly(file, READ_SIZE);
    return { chunk, last: chunk.length < READ_SIZE };
  });
}

async function toStream(file: Deno.FsFile, key: CryptoKey, id: string): Promise<ReadableStream<Uint8Array>> {
  const damaged = (cause: unknown) =>
    new AppError("InternalError", `Cannot read file "${id}": it was altered, or the encryption key is another`, {
      cause,
    });
  try {
    let left = (await file.stat()).size - HEADER_SIZE;
    const cipher = await ChunkCipher.open(key, id, await readExactly(file, HEADER_SIZE));
    const next = async () => {
      const last = left <= SEALED_CHUNK_SIZE;
      const sealed = await readExactly(file, Math.min(left, SEALED_CHUNK_SIZE));
      left -= sealed.length;
      try {
        return { chunk: await cipher.unseal(sealed, last), last };
      } catch (error) {
        throw damaged(error);
      }
    };
    // The first chunk is tried before anything is promised, so that a wrong key is an error and no broken download.
    return fromPull(file, next, await next());
  } catch (error) {
    file.close();
    throw error instanceof AppError ? error : damaged(error);
  }
}

interface Piece {
  chunk: Uint8Array;
  last: boolean;
}

/** A stream that reads when it is read, and closes `file` at its end, however it ends. */
function fromPull(file: Deno.FsFile, next: () => Promise<Piece>, first?: Piece): ReadableStream<Uint8Array> {
  let open = true;
  const close = () => {
    if (open) file.close();
    open = false;
  };
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { chunk, last } = first ?? await next();
        first = undefined;
        if (chunk.length > 0) controller.enqueue(chunk);
        if (!last) return;
        close();
        controller.close();
      } catch (error) {
        close();
        controller.error(error);
      }
    },
    cancel: close,
  }, { highWaterMark: 0 });
}
