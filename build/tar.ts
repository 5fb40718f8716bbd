/**
 * An archive that depends on its contents alone: no times, no owners, the order
 * as given. A tar program's archive would tell which machine made it.
 *
 * @module
 */
import type { Part } from "./bundle.ts";

const BLOCK = 512;
const encoder = new TextEncoder();

/** Packs `parts` into an archive in the format of POSIX (ustar). */
export function toTar(parts: readonly Part[]): Uint8Array<ArrayBuffer> {
  const blocks = parts.flatMap((part) => [toHeader(part), part.bytes, new Uint8Array(padding(part.bytes.length))]);
  const end = new Uint8Array(2 * BLOCK);
  const size = blocks.reduce((sum, { length }) => sum + length, 0);
  const tar = new Uint8Array(size + end.length);
  let at = 0;
  for (const block of blocks) {
    tar.set(block, at);
    at += block.length;
  }
  return tar;
}

function padding(length: number): number {
  return (BLOCK - length % BLOCK) % BLOCK;
}

function toHeader({ path, bytes, executable = false }: Part): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(BLOCK);
  const put = (at: number, text: string) => header.set(encoder.encode(text), at);
  const octal = (value: number, width: number) => `${value.toString(8).padStart(width - 1, "0")}\0`;
  if (encoder.encode(path).length > 100) throw new Error(`Cannot pack "${path}": the path has over 100 bytes`);
  put(0, path);
  put(100, octal(executable ? 0o755 : 0o644, 8));
  put(108, octal(0, 8)); // owner
  put(116, octal(0, 8)); // group
  put(124, octal(bytes.length, 12));
  put(136, octal(0, 12)); // time
  put(148, " ".repeat(8)); // the checksum counts as blanks in itself
  put(156, "0"); // an ordinary file
  put(257, "ustar\x0000");
  const sum = header.reduce((sum, byte) => sum + byte, 0);
  put(148, `${sum.toString(8).padStart(6, "0")}\0 `);
  return header;
}
