/**
 * What a box uses, as the kernel's process folder tells.
 *
 * @module
 */

/** What all processes of a box use together. */
export interface Usage {
  processes: number;
  bytes: number;
}

function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    // It has ended.
    return "";
  }
}

function kilobytes(text: string, names: RegExp): number {
  let sum = 0;
  for (const [, value] of text.matchAll(names)) sum += Number(value);
  return sum;
}

/** Memory that can't be given back by forgetting what a file holds anyway. */
const HELD = /^(?:RssAnon|RssShmem|VmSwap):\s*(\d+) kB/gm;
/** The same, of which each sharer has its part. */
const HELD_BY_SHARES = /^(?:Pss_Anon|Pss_Shmem|SwapPss):\s*(\d+) kB/gm;

/** The first process of the box that bubblewrap, running as `pid`, made; undefined while, or when, there is none. */
export function firstOf(pid: number): number | undefined {
  const [child] = read(`/proc/${pid}/task/${pid}/children`).trim().split(" ");
  return child === "" || child === undefined ? undefined : Number(child);
}

/** What the kernel says of a process behind its name; nothing when it is gone. */
function statOf(pid: number): string[] {
  return read(`/proc/${pid}/stat`).split(") ").at(-1)!.split(" ");
}

/** When a process began, which tells it from a later one of the same number; undefined when it is gone. */
export function beginningOf(pid: number): string | undefined {
  const fields = statOf(pid);
  // What has ended and waits to be noticed runs no more.
  return fields.length < 20 || fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
}

/** The kernel's flag of a process that is being taken down, which already sees nothing more. */
const EXITING = 0x4;

/** Whether a process is there, and not on its way out. */
export function isStaying(pid: number): boolean {
  return beginningOf(pid) !== undefined && (Number(statOf(pid)[6]) & EXITING) === 0;
}

/** Whether the box whose first process is `first` sees its own processes yet, instead of the machine's or none. */
export function hasOwnProcesses(first: number): boolean {
  try {
    return Deno.readLinkSync(`/proc/${first}/root/proc/1/ns/pid`) === Deno.readLinkSync(`/proc/${first}/ns/pid`);
  } catch {
    return false;
  }
}

/** The folders of the processes in the box whose first process is `first`. */
function inBox(first: number): string[] {
  const root = `/proc/${first}/root/proc`;
  try {
    return [...Deno.readDirSync(root)].filter(({ name }) => /^\d+$/.test(name)).map(({ name }) => `${root}/${name}`);
  } catch {
    return [];
  }
}

/**
 * What a box uses. What several processes share counts for each at first; only
 * what seems to be more than `enough` is looked at closely, since that takes long.
 */
export function usageOf(processes: readonly string[], enough: number): Usage {
  let sum = 0;
  for (const folder of processes) sum += kilobytes(read(`${folder}/status`), HELD) * 1024;
  if (sum > enough) sum = sharesOf(processes);
  return { processes: processes.length, bytes: sum };
}

function sharesOf(processes: readonly string[]): number {
  let sum = 0;
  for (const folder of processes) {
    const shares = read(`${folder}/smaps_rollup`);
    // Who hides that is counted in full.
    sum += (shares === "" ? kilobytes(read(`${folder}/status`), HELD) : kilobytes(shares, HELD_BY_SHARES)) * 1024;
  }
  return sum;
}

/** The folders of all processes of the program that runs as `pid`: those in its box, or it alone where it has none. */
export function processesOf(pid: number, first: number | undefined): string[] {
  return first === undefined ? [`/proc/${pid}`] : inBox(first);
}
