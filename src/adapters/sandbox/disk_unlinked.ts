/**
 * Files that have no name any more and take their place on the disk as long as a program holds them open.
 *
 * @module
 */

/** What `processes` hold of such, as folders of the kernel's process folder. What lies on the devices `apart` is left out. */
export function unlinkedBytes(processes: readonly string[], apart: ReadonlySet<number>): number {
  const found = new Map<string, number>();
  for (const process of processes) {
    for (const name of namesIn(`${process}/fd`)) {
      const info = statOf(`${process}/fd/${name}`);
      if (info === undefined || !info.isFile || info.nlink !== 0 || apart.has(info.dev)) continue;
      found.set(`${info.dev} ${info.ino}`, (info.blocks ?? 0) * 512);
    }
  }
  return found.values().reduce((sum, bytes) => sum + bytes, 0);
}

/** The devices of the folders that a box has of its own, which have sizes of their own. */
export function devicesOf(root: string, folders: readonly string[]): Set<number> {
  return new Set(folders.flatMap((folder) => statOf(`${root}${folder}`)?.dev ?? []));
}

function namesIn(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name);
  } catch {
    // It has ended.
    return [];
  }
}

function statOf(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch {
    // It was closed.
    return undefined;
  }
}
