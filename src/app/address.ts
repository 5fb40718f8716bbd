/**
 * Where the owner of a data folder answers, for those who find the folder taken.
 *
 * @module
 */
const FILE = "muxi.address";

/** Leaves word in `dir` that this process answers at `address`, until disposed. */
export function publishAddress(dir: string, address: string): Disposable {
  const path = `${dir}/${FILE}`;
  Deno.writeTextFileSync(path, `${Deno.pid} ${address}\n`, { mode: 0o600 });
  return {
    [Symbol.dispose]() {
      try {
        Deno.removeSync(path);
      } catch {
        // Somebody took it away already; what it says counts only while this process owns the folder.
      }
    },
  };
}

/** Where process `pid`, which owns `dir`, answers; undefined where it left no word. */
export function readAddress(dir: string, pid: unknown): string | undefined {
  try {
    const [owner, address] = Deno.readTextFileSync(`${dir}/${FILE}`).trim().split(" ");
    return Number(owner) === pid ? address : undefined;
  } catch {
    return undefined;
  }
}
