/**
 * Copies of folders, for programs that may do what they like with them.
 *
 * @module
 */
import { dirname, join } from "node:path";
import type { Bind } from "./bubblewrap_paths.ts";
import { measure } from "./disk_watch.ts";
import { isWithin } from "./real_path.ts";

/** Options for {@linkcode copyThrowaway}. */
export interface ThrowawayOptions {
  /** Where copies are made. */
  dir: string;
  /** What is never copied. */
  hidden: readonly string[];
  /** The most that all copies together may hold. */
  bytes: number;
}

/** A folder of more is too large. */
const MOST_ENTRIES = 5000;
/** Nobody's data: the system itself, and what a box has its own of. */
const SYSTEM = [
  "/usr",
  "/bin",
  "/sbin",
  "/lib",
  "/lib32",
  "/lib64",
  "/libx32",
  "/boot",
  "/proc",
  "/sys",
  "/dev",
  "/run",
];

/**
 * Copies the folders among `paths`, those of the files among them, since a file is replaced by another beside it. What
 * is too large is only to be read. Resolves with what is to be seen in their place.
 */
export async function copyThrowaway(paths: readonly string[], options: ThrowawayOptions): Promise<Bind[]> {
  const { dir, hidden, bytes } = options;
  const folders = new Set<string>();
  for (const path of paths) {
    const info = await Deno.stat(path).catch(() => undefined);
    const folder = info?.isDirectory ? path : dirname(path);
    const known = info?.isDirectory || await Deno.stat(folder).then(() => true, () => false);
    const ours = [...SYSTEM, ...hidden].some((one) => isWithin(folder, one));
    if (known && !ours && folder !== "/") folders.add(folder);
  }
  const outermost = [...folders].filter((one) => ![...folders].some((other) => other !== one && isWithin(one, other)));
  const binds: Bind[] = [];
  let left = bytes;
  for (const [i, folder] of outermost.entries()) {
    const { bytes, entries } = await measure(folder, { bytes: left, entries: MOST_ENTRIES });
    if (bytes > left || entries > MOST_ENTRIES) {
      binds.push({ path: folder, at: folder, write: false });
      continue;
    }
    left -= bytes;
    const copy = join(dir, String(i));
    await copyFolder(folder, copy, hidden);
    binds.push({ path: copy, at: folder, write: true });
  }
  return binds;
}

async function copyFolder(from: string, to: string, hidden: readonly string[]): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory, isFile, isSymlink } of Deno.readDir(from)) {
    const [source, target] = [join(from, name), join(to, name)];
    if (hidden.includes(source)) continue;
    try {
      if (isDirectory) await copyFolder(source, target, hidden);
      else if (isSymlink) await Deno.symlink(await Deno.readLink(source), target);
      else if (isFile) await Deno.copyFile(source, target);
    } catch (error) {
      // It is gone by now, or nobody of ours may read it.
      if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied)) throw error;
    }
  }
}
