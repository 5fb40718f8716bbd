/**
 * Bytes in a folder, one file each, encrypted where a key is given.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { AppError } from "../../domain/error.ts";
import type { Blobs, ByteRange } from "../../ports/blobs.ts";
import { toPlainStream, toStream } from "./blob_streams.ts";
import { Rechunker, writeAll } from "./bytes.ts";
import { ChunkCipher, importMasterKey } from "./sealed_chunks.ts";

/** Options for {@linkcode openFileBlobs}. */
export interface FileBlobsOptions {
  /** Created when missing. */
  dir: string;
  /** Encrypts what is stored from now on; everything in the folder must be encrypted with it. */
  encryptionKey?: string;
  /** With what else files there may have been encrypted, before that key was set. */
  formerKeys?: readonly string[];
}

const ID = /^[a-z]+_[0-9a-z]+$/;
const TEMPORARY = ".tmp-";
const SEALED = ".enc";

/** Opens the folder and removes what an earlier process left unfinished. */
export async function openFileBlobs({ dir, encryptionKey, formerKeys = [] }: FileBlobsOptions): Promise<Blobs> {
  try {
    await Deno.mkdir(dir, { recursive: true, mode: 0o700 });
    for await (const entry of Deno.readDir(dir)) {
      if (entry.name.startsWith(TEMPORARY)) await Deno.remove(join(dir, entry.name));
    }
  } catch (error) {
    throw new AppError("ConfigurationError", `Cannot use the folder "${dir}" for files`, { cause: error });
  }
  const keys = encryptionKey === undefined ? [] : [encryptionKey, ...formerKeys];
  return new FileBlobs(dir, await Promise.all(keys.map(importMasterKey)));
}

class FileBlobs implements Blobs {
  readonly #dir: string;
  readonly #key: CryptoKey | undefined;
  /** Those of before, for reading. */
  readonly #former: readonly CryptoKey[];

  constructor(dir: string, [key, ...former]: readonly CryptoKey[]) {
    this.#dir = dir;
    this.#key = key;
    this.#former = former;
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

  async open(id: string, range?: ByteRange): Promise<ReadableStream<Uint8Array> | undefined> {
    const file = await openExisting(this.#pathOf(id));
    if (file !== undefined) {
      return this.#key === undefined
        ? await toPlainStream(file, range)
        : await toStream(file, { keys: [this.#key, ...this.#former], id, range });
    }
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
