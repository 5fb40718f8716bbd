/**
 * What speech engines may leave behind: programs and files.
 *
 * @module
 */

/** Ids of processes whose command line has `mark`, as far as we may look. */
export async function processesWith(mark: string): Promise<number[]> {
  const found: number[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === Deno.pid) continue;
    const line = await Deno.readTextFile(`/proc/${name}/cmdline`).catch(() => "");
    if (line.includes(mark)) found.push(Number(name));
  }
  return found;
}

/** Resolves once no process has `mark` in its command line: the kernel takes a moment to end what was killed. */
export async function goneWith(mark: string): Promise<void> {
  while ((await processesWith(mark)).length > 0) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Resolves once a process has `mark` in its command line. */
export async function thereIs(mark: string): Promise<void> {
  while ((await processesWith(mark)).length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Folders for utterances that this process has made and not removed. */
export async function leftFolders(): Promise<string[]> {
  const probe = await Deno.makeTempDir();
  await Deno.remove(probe);
  const parent = probe.slice(0, probe.lastIndexOf("/"));
  const names = await Array.fromAsync(Deno.readDir(parent), ({ name }) => name);
  return names.filter((name) => name.startsWith(`muxi-speech-${Deno.pid}-`));
}
