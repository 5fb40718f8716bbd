/**
 * A ceiling on what a program keeps on the disk.
 *
 * @module
 */
import { join } from "node:path";
import type { Clock } from "../../kit/clock.ts";

/** What a folder held when watching began. */
export interface Measured {
  path: string;
  bytes: number;
  /** The size of its largest file. */
  largest: number;
  /** How many files and folders were counted. */
  entries: number;
}

const LOOK_EVERY_MS = 250;
/** Looking takes no more than a twentieth of the time. */
const REST = 20;
/** A file takes at least that much, even when it is empty. */
const LEAST_BYTES = 4096;
/** Folders with more than that are not watched: only each file in them has its ceiling. */
const MOST_ENTRIES = 20_000;

/** Calls `onFull` once when `folders` hold more than `most` bytes beyond what they did. Looks until disposed. */
export function watchDisk(
  folders: readonly Measured[],
  { most, unlinked, clock }: {
    most: number;
    /** What the program holds on the disk that is in no folder any more; above `enough` it need not be counted. */
    unlinked(enough: number): Promise<number>;
    clock: Clock;
  },
  onFull: () => void,
): Disposable {
  const watched = folders.filter(({ entries }) => entries <= MOST_ENTRIES);
  if (watched.length === 0) return { [Symbol.dispose]: () => {} };
  const enough = watched.reduce((sum, { bytes }) => sum + bytes, most);
  let next = clock.now();
  let over = false;
  const look = async () => {
    const from = clock.now();
    next = Infinity;
    let bytes = 0;
    try {
      bytes = await unlinked(enough);
      for (const { path } of watched) {
        bytes += (await measure(path, { bytes: enough - bytes, entries: Infinity })).bytes;
      }
    } catch {
      // A disk that fails is the program's to notice.
    }
    const now = clock.now();
    next = now + (now - from) * REST;
    if (bytes <= enough || over) return;
    over = true;
    timer[Symbol.dispose]();
    onFull();
  };
  const timer = clock.every(LOOK_EVERY_MS, () => {
    if (clock.now() >= next) void look();
  });
  return {
    [Symbol.dispose]() {
      over = true;
      timer[Symbol.dispose]();
    },
  };
}

/** Measures what programs may write to, before they do. */
export async function measureAll(paths: readonly string[]): Promise<Measured[]> {
  const found: Measured[] = [];
  for (const path of paths) found.push(await measure(path, { bytes: Infinity, entries: MOST_ENTRIES }));
  return found;
}

/** What `path` and all below it take; stops counting above `most`. */
export async function measure(path: string, most: { bytes: number; entries: number }): Promise<Measured> {
  const found: Measured = { path, bytes: 0, largest: 0, entries: 0 };
  const isEnough = () => found.bytes > most.bytes || found.entries > most.entries;
  const waiting: string[] = [];
  const count = async (path: string) => {
    const { isDirectory, isFile, blocks, size } = await Deno.lstat(path);
    found.entries++;
    found.bytes += Math.max(LEAST_BYTES, isFile ? (blocks ?? 0) * 512 : 0);
    if (isFile) found.largest = Math.max(found.largest, size);
    if (isDirectory) waiting.push(path);
  };
  await count(path).catch(ignoreGone);
  for (const folder of waiting) {
    try {
      for await (const { name } of Deno.readDir(folder)) {
        await count(join(folder, name)).catch(ignoreGone);
        if (isEnough()) return found;
      }
    } catch (error) {
      ignoreGone(error);
    }
  }
  return found;
}

/** It was removed meanwhile, or nobody of ours may look into it, and so no program either. */
function ignoreGone(error: unknown): void {
  const { NotFound, PermissionDenied, NotADirectory } = Deno.errors;
  if ([NotFound, PermissionDenied, NotADirectory].some((kind) => error instanceof kind)) return;
  throw error;
}
