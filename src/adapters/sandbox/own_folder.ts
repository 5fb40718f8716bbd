/**
 * The folders of one start: small, short of name for the sake of sockets, and gone with the program.
 *
 * @module
 */
import { dirname } from "node:path";
import { kill } from "node:process";

/** What a folder is for: a box, or Deno in it. */
export type OwnFolder = "box" | "js";

const NAME = /^muxi-(?:box|js)-(\d+)-/;

/** Makes one, which only we may look into. */
export function makeOwnFolder(what: OwnFolder): Promise<string> {
  return Deno.makeTempDir({ prefix: `muxi-${what}-${Deno.pid}-` });
}

/** Removes the folders that processes left which were ended before they could. */
export async function sweepOwnFolders(): Promise<void> {
  const probe = await makeOwnFolder("box");
  const parent = dirname(probe);
  await Deno.remove(probe);
  for await (const { name, isDirectory } of Deno.readDir(parent)) {
    const owner = NAME.exec(name)?.[1];
    if (owner === undefined || !isDirectory || isAlive(Number(owner))) continue;
    // Another may sweep at the same time, and another user's folders are not ours to remove.
    await Deno.remove(`${parent}/${name}`, { recursive: true }).catch(() => {});
  }
}

function isAlive(pid: number): boolean {
  try {
    return kill(pid, 0);
  } catch (error) {
    return (error as { code?: string }).code !== "ESRCH";
  }
}
