/**
 * What a machine's host gives to others, by Linux' own account.
 *
 * @module
 */

/** Since the machine's start, in whatever Linux counts by (proc_stat(5)); nothing elsewhere. */
async function readTimes(): Promise<{ all: number; stolen: number }> {
  const text = await Deno.readTextFile("/proc/stat").catch(() => "");
  // user, nice, system, idle, iowait, irq, softirq, steal; what follows is within the first two.
  const times = text.split("\n", 1)[0]!.split(/ +/).slice(1, 9).map(Number);
  return { all: times.reduce((sum, time) => sum + time, 0), stolen: times[7] ?? 0 };
}

/** Begins to count; gives the part of the machine's time, from 0 to 1, that it lacked since. */
export async function countStolen(): Promise<() => Promise<number>> {
  const began = await readTimes();
  return async () => {
    const now = await readTimes();
    return (now.stolen - began.stolen) / Math.max(1, now.all - began.all);
  };
}

/** What people are told of it: the machine … */
export function toWords(stolen: number): string {
  return `lacked ${(100 * stolen).toFixed(0)} % of its time`;
}
