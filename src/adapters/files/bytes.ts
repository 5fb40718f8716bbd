/**
 * Bytes in other pieces than they come in.
 *
 * @module
 */
import { CHUNK_SIZE } from "./sealed_chunks.ts";

/** Writes all of `bytes`. */
export async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}

/** Reads `size` bytes, fewer only where the file ends. */
export async function readExactly(file: Deno.FsFile, size: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(Math.max(0, size));
  let filled = 0;
  while (filled < bytes.length) {
    const read = await file.read(bytes.subarray(filled));
    if (read === null) break;
    filled += read;
  }
  return bytes.subarray(0, filled);
}

/** Makes chunks of one size, and knows which is the last: only that one may be smaller. */
export class Rechunker {
  readonly #emit: (chunk: Uint8Array<ArrayBuffer>, last: boolean) => Promise<void>;
  #chunk = new Uint8Array(CHUNK_SIZE);
  #filled = 0;

  constructor(emit: (chunk: Uint8Array<ArrayBuffer>, last: boolean) => Promise<void>) {
    this.#emit = emit;
  }

  /** Takes more bytes. */
  async write(bytes: Uint8Array): Promise<void> {
    let at = 0;
    while (at < bytes.length) {
      // A full chunk waits until more comes: it may be the last.
      if (this.#filled === CHUNK_SIZE) {
        await this.#emit(this.#chunk, false);
        this.#filled = 0;
      }
      const taken = bytes.subarray(at, at + CHUNK_SIZE - this.#filled);
      this.#chunk.set(taken, this.#filled);
      this.#filled += taken.length;
      at += taken.length;
    }
  }

  /** Emits what is left, even when it is nothing. */
  async end(): Promise<void> {
    await this.#emit(this.#chunk.subarray(0, this.#filled), true);
  }
}
