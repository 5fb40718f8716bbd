/**
 * Files that have no name any more and take their place on the disk as long as a program holds them open.
 *
 * @module
 */

/** How {@linkcode unlinkedBytes} looks. */
export interface UnlinkedOptions {
  /** Devices whose files are left out. */
  apart: ReadonlySet<number>;
  /** Above so many bytes it stops counting. */
  enough: number;
  /** After so many open files, too. */
  files: number;
}

/** What `processes` hold of such, as folders of the kernel's process folder. */
export async function unlinkedBytes(
  processes: readonly string[],
  { apart, enough, files }: UnlinkedOptions,
): Promise<number> {
  const found = new Set<string>();
  let [bytes, seen] = [0, 0];
  // Where there are too many files for one look, the next begins elsewhere.
  const first = Math.floor(Math.random() * processes.length);
  for (const process of [...processes.slice(first), ...processes.slice(0, first)]) {
    for (const name of await namesIn(`${process}/fd`)) {
      if (bytes > enough || ++seen > files) return bytes;
      const info = await statOf(`${process}/fd/${name}`);
      if (info === undefined || !info.isFile || info.nlink !== 0 || apart.has(info.dev)) continue;
      const file = `${info.dev} ${info.ino}`;
      if (!found.has(file)) bytes += (info.blocks ?? 0) * 512;
      found.add(file);
    }
  }
  return bytes;
}

/** The devices of the folders that a box has of its own, which have sizes of their own. */
export async function devicesOf(root: string, folders: readonly string[]): Promise<Set<number>> {
  const infos = await Promise.all(folders.map((folder) => statOf(`${root}${folder}`)));
  return new Set(infos.flatMap((info) => info?.dev ?? []));
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
  } catch {
    // It has ended.
    return [];
  }
}

async function statOf(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.stat(path);
  } catch {
    // It was closed.
    return undefined;
  }
}
