/**
 * How much memory a process takes, or holds.
 *
 * @module
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Watches the memory of a process until disposed; `most` is in bytes. Linux only. */
export function watchMemory(pid: number): Disposable & { readonly most: number } {
  let most = 0;
  const look = () => {
    const status = Deno.readTextFileSync(`/proc/${pid}/status`);
    most = Math.max(most, Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) * 1024);
  };
  const timer = setInterval(look, 20);
  look();
  return {
    get most() {
      look();
      return most;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

/** What this process holds once garbage is collected, in bytes. */
export function heldMemory(): number {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  collect();
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}
