/**
 * Writing a growing recording to its file.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { ChunkSeal } from "./chunk_seal.ts";
import { TAG_SIZE } from "./chunk_seal.ts";
import { toChunkHead, toHead } from "./chunks.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** What is to be written: a body, and what it is. */
export interface Chunk {
  track: number;
  first_ms: number;
  last_ms: number;
  body: Bytes;
}

/** Options for {@linkcode JournalFile.create}. */
export interface JournalFileOptions {
  path: string;
  id: string;
  /** Absent: whoever finds it can read it. */
  seal?: { seal: ChunkSeal; key: string };
}

/** The file, to which chunks are added. What is there in the end is whole chunks. */
export class JournalFile {
  readonly #file: Deno.FsFile;
  readonly #seal: ChunkSeal | undefined;
  #number = 0;
  #size: number;

  private constructor(file: Deno.FsFile, size: number, seal: ChunkSeal | undefined) {
    this.#file = file;
    this.#size = size;
    this.#seal = seal;
  }

  /** Begins a file. Rejects with `UnavailableError`. */
  static async create({ path, id, seal }: JournalFileOptions): Promise<JournalFile> {
    const head = toHead({ id, key: seal?.key ?? null });
    try {
      const file = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
      try {
        await writeAll(file, head);
        return new JournalFile(file, head.length, seal?.seal);
      } catch (error) {
        file.close();
        await Deno.remove(path);
        throw error;
      }
    } catch (cause) {
      throw new AppError("UnavailableError", `Cannot record "${id}": the disk can't be written`, { cause });
    }
  }

  /** Bytes that are there. */
  get size(): number {
    return this.#size;
  }

  /** Adds chunks. When that fails, those that are whole stay, and nothing may be added any more. */
  async add(chunks: readonly Chunk[]): Promise<void> {
    for (const { body, ...what } of chunks) {
      const head = toChunkHead({ ...what, length: body.length + (this.#seal === undefined ? 0 : TAG_SIZE) });
      const stored = await this.#seal?.seal(body, { number: this.#number, head }) ?? body;
      this.#number++;
      try {
        await writeAll(this.#file, head);
        await writeAll(this.#file, stored);
      } catch (error) {
        await this.#file.truncate(this.#size).catch(() => {});
        throw error;
      }
      this.#size += head.length + stored.length;
    }
  }

  close(): void {
    this.#file.close();
  }
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}
