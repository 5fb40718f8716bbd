/**
 * Stored bytes as streams that read when they are read.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { ByteRange } from "../../ports/blobs.ts";
import { readExactly } from "./bytes.ts";
import { CHUNK_SIZE, ChunkCipher, HEADER_SIZE, SEALED_CHUNK_SIZE } from "./sealed_chunks.ts";

const READ_SIZE = 65_536;
const WHOLE: ByteRange = { first: 0, last: Infinity };

/** What a file holds, as it is. Closes it at the stream's end, however it ends. */
export async function toPlainStream(
  file: Deno.FsFile,
  { first, last }: ByteRange = WHOLE,
): Promise<ReadableStream<Uint8Array>> {
  if (first > 0) await file.seek(first, Deno.SeekMode.Start);
  let left = last - first + 1;
  return fromPull(file, async () => {
    const wanted = Math.min(left, READ_SIZE);
    const chunk = await readExactly(file, wanted);
    left -= chunk.length;
    return { chunk, last: chunk.length < READ_SIZE || left <= 0 };
  });
}

/** What a file holds that was encrypted under `id` with one of `keys`. Closes it as the other does. */
export async function toStream(
  file: Deno.FsFile,
  { keys, id, range: { first, last } = WHOLE }: {
    keys: readonly CryptoKey[];
    id: string;
    range?: ByteRange | undefined;
  },
): Promise<ReadableStream<Uint8Array>> {
  const damaged = (cause: unknown) =>
    new AppError("InternalError", `Cannot read file "${id}": it was altered, or the encryption key is another`, {
      cause,
    });
  try {
    const { size } = await file.stat();
    const header = await readExactly(file, HEADER_SIZE);
    const chunks = Math.max(1, Math.ceil((size - HEADER_SIZE) / SEALED_CHUNK_SIZE));
    let number = Math.min(Math.floor(first / CHUNK_SIZE), chunks - 1);
    let cipher: ChunkCipher | undefined;
    if (number > 0) await file.seek(HEADER_SIZE + number * SEALED_CHUNK_SIZE, Deno.SeekMode.Start);
    const next = async (): Promise<Piece> => {
      const at = number * CHUNK_SIZE;
      const isEnd = ++number >= chunks;
      const sealed = await readExactly(file, SEALED_CHUNK_SIZE);
      try {
        cipher ??= await findCipher(keys, (key) => ChunkCipher.open(key, id, header, number - 1), { sealed, isEnd });
        const chunk = await cipher.unseal(sealed, isEnd);
        const wanted = chunk.subarray(Math.max(0, first - at), Math.max(0, last - at + 1));
        return { chunk: wanted, last: isEnd || at + chunk.length > last };
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

/** The cipher that reads `sealed`, of one of `keys`; of the last one when none does. */
async function findCipher(
  keys: readonly CryptoKey[],
  open: (key: CryptoKey) => Promise<ChunkCipher>,
  { sealed, isEnd }: { sealed: Uint8Array<ArrayBuffer>; isEnd: boolean },
): Promise<ChunkCipher> {
  for (const key of keys.slice(0, -1)) {
    if (await (await open(key)).unseal(sealed, isEnd).then(() => true, () => false)) return await open(key);
  }
  return await open(keys.at(-1)!);
}

interface Piece {
  chunk: Uint8Array;
  last: boolean;
}

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
