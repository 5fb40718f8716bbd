/**
 * A ceiling on what a program keeps in its own folder, where no box has one.
 *
 * @module
 */
import { join } from "node:path";
import type { Clock } from "../../kit/clock.ts";

const LOOK_EVERY_MS = 500;
/** A file takes at least that much, even when it is empty. */
const LEAST_BYTES = 4096;

/** Calls `onFull` once when `folder` holds more than `most` bytes. Looks until disposed. */
export function watchDisk(
  folder: string,
  { most, clock }: { most: number; clock: Clock },
  onFull: () => void,
): Disposable {
  let looking = false;
  const timer = clock.every(LOOK_EVERY_MS, () => {
    if (looking) return;
    looking = true;
    bytesIn(folder, most).then((bytes) => {
      if (bytes <= most) looking = false;
      else {
        timer[Symbol.dispose]();
        onFull();
      }
    });
  });
  return timer;
}

/** What the files below `folder` take; stops counting above `most`. */
async function bytesIn(folder: string, most: number): Promise<number> {
  let bytes = 0;
  const waiting = [folder];
  for (const each of waiting) {
    try {
      for await (const { name, isDirectory, isFile } of Deno.readDir(each)) {
        const path = join(each, name);
        if (isDirectory) waiting.push(path);
        bytes += isFile ? await sizeOf(path) : LEAST_BYTES;
        if (bytes > most) return bytes;
      }
    } catch (error) {
      // It was removed meanwhile.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return bytes;
}

async function sizeOf(path: string): Promise<number> {
  const { blocks } = await Deno.lstat(path);
  return Math.max(LEAST_BYTES, (blocks ?? 0) * 512);
}
