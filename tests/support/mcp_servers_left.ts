/**
 * What tool servers may have left on the machine.
 *
 * @module
 */
import { strict as assert } from "node:assert";

/** Fails when a process that has to do with `dir` runs, or a folder or socket of a box of this process is there. */
export async function assertNothingLeft(dir: string): Promise<void> {
  assert.deepEqual(await processesOf(dir), [], "Processes are left");
  await assertNoOwnFolders(Deno.env.get("TMPDIR") ?? "/tmp", Deno.pid);
}

/** Fails when the folder of a box, or a socket in one, is in `temp`: of the process `pid`, or of any. */
export async function assertNoOwnFolders(temp: string, pid: number | string = "\\d+"): Promise<void> {
  const own = new RegExp(`(^|/)muxi-(js|box)-${pid}-`);
  const names = await Array.fromAsync(Deno.readDir(temp), ({ name }) => name);
  assert.deepEqual(names.filter((name) => own.test(name)), [], "Temporary folders are left");
  const sockets = (await Deno.readTextFile("/proc/net/unix")).split("\n");
  assert.deepEqual(sockets.filter((line) => line.includes(`${temp}/`) && own.test(line)), [], "Sockets are left");
}

/** The processes, also in boxes, that name `path` or have it before them. */
export async function processesOf(path: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name: pid } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(pid) || Number(pid) === Deno.pid) continue;
    const read = (name: string) => Deno.readTextFile(`/proc/${pid}/${name}`).catch(() => "");
    const line = await read("cmdline");
    if (line.includes(path) || (await read("mountinfo")).includes(path)) found.push(line.replaceAll("\0", " "));
  }
  return found;
}
