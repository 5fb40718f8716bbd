/**
 * Copies files and says what was in them.
 *
 * @module
 */
import { createHash } from "node:crypto";

/** What a file is known by. */
export interface Fingerprint {
  size: number;
  /** Hexadecimal. */
  sha256: string;
}

/** Reads `from` to its end; writes it to the new file `to` where one is given. */
export async function copyAndHash(from: string, to?: string): Promise<Fingerprint> {
  const hash = createHash("sha256");
  let size = 0;
  using source = await Deno.open(from, { read: true });
  using target = to === undefined ? null : await Deno.open(to, { write: true, createNew: true, mode: 0o600 });
  const buffer = new Uint8Array(262_144);
  while (true) {
    const length = await source.read(buffer);
    if (length === null) break;
    const piece = buffer.subarray(0, length);
    hash.update(piece);
    size += length;
    for (let written = 0; target !== null && written < length;) written += await target.write(piece.subarray(written));
  }
  // A rename that is on disk before the bytes would show an empty file after a power cut.
  await target?.sync();
  return { size, sha256: hash.digest("hex") };
}

/** Whether something is at `path`. */
export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
    throw error;
  }
}

/** Names of the files in `folder`, sorted; none where there is no folder. Unfinished ones begin with a dot. */
export async function listFiles(folder: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { isFile, name } of Deno.readDir(folder)) if (isFile && !name.startsWith(".")) names.push(name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return names.sort();
}
