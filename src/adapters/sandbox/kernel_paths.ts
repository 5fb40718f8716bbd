/**
 * Files that the kernel makes up: what it tells of the machine, and what of processes and devices.
 *
 * @module
 */
import { isWithin } from "./real_path.ts";

/** Deno itself refuses these, after it has asked. */
const CLOSED = ["/proc", "/dev", "/sys"];
const KERNEL = ["/proc", "/dev"];
/** Of processes, of memory, and of secrets of whoever else uses the machine. */
const NEVER =
  /^\/proc\/(\d+|self|thread-self|k(core|msg|allsyms|eys|ey-users|page\w+)|iomem|ioports|sysrq-trigger)(\/|$)/;
const DEVICE = /^\/dev(\/(null|zero|full|random|urandom))?$/;

/** Whether Deno lets no program at the real path `path`, whatever is answered. */
export function isClosed(path: string): boolean {
  return CLOSED.some((folder) => isWithin(path, folder));
}

/** Whether the real path `path` is the kernel's, so that nothing of it is ever bound into a box. */
export function isOfKernel(path: string): boolean {
  return KERNEL.some((folder) => isWithin(path, folder));
}

/** Whether a program in a box may read such a path of it: a fact of the machine, or a device without content. */
export function isFact(path: string): boolean {
  return isWithin(path, "/dev") ? DEVICE.test(path) : !NEVER.test(path);
}
