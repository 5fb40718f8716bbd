/**
 * How a process of Linux sees its files: from which folder, below which root.
 *
 * @module
 */
import type { RealPathOptions } from "./real_path.ts";

/** Processes in a box that are looked through. */
const MAX_PROCESSES = 1000;

/**
 * The process below `top` that knows itself as `pid`, which in a box is not what
 * we know it as; undefined where there is none.
 */
export function findProcess(top: number, pid: number): number | undefined {
  const waiting = [top];
  for (const each of waiting) {
    if (waiting.length > MAX_PROCESSES) return undefined;
    const names = /^NSpid:\s+(.+)$/m.exec(readProc(`${each}/status`))?.[1]?.split(/\s+/);
    if (names !== undefined && Number(names.at(-1)) === pid) return each;
    waiting.push(...readProc(`${each}/task/${each}/children`).split(" ").filter(Boolean).map(Number));
  }
  return undefined;
}

/** How process `pid` sees its files. Asking for its folder throws when it is gone. */
export function placeOf(pid: number, { boxed }: { boxed: boolean }): RealPathOptions {
  return {
    get cwd() {
      return Deno.readLinkSync(`/proc/${pid}/cwd`);
    },
    root: boxed ? `/proc/${pid}/root` : "",
  };
}

function readProc(path: string): string {
  try {
    return Deno.readTextFileSync(`/proc/${path}`);
  } catch {
    return "";
  }
}
