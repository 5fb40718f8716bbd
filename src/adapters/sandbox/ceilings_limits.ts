/**
 * Limits that the kernel holds, process by process: the second line behind the watchdog.
 *
 * @module
 */
import type { CeilingKeeper } from "../../domain/mcp_server.ts";
import type { SandboxProfile } from "../../domain/policy.ts";
import type { Measured } from "./disk_watch.ts";
import type { OsAbilities } from "./os_abilities.ts";

/** What there is to keep programs below their ceilings. */
export function ceilingKeepers({ prlimit }: OsAbilities): CeilingKeeper[] {
  return prlimit === undefined ? ["watching"] : ["prlimit", "watching"];
}

/** Below this Deno doesn't start. */
const LEAST_DATA_MB = 1024;
/**
 * Programs wait a little longer for the processor than we do. Without it the end
 * of a fork bomb stands in line behind the bomb: 20 s instead of 0.2.
 */
const BEHIND = "5";
/** Threads count as processes there. */
const THREADS = 32;
/** What waits in sockets and pipes is memory that belongs to no process. */
const OPEN_FILES = 1024;

/**
 * What to put before a command line. A process may reserve twice the ceiling, so
 * that a sudden rise can't outrun the watchdog, which counts what is used.
 */
export function limitArgs(
  { nice, prlimit }: OsAbilities,
  { profile: { memory_mb, processes, disk_mb }, disk }: { profile: SandboxProfile; disk: readonly Measured[] },
): string[] {
  const behind = nice === undefined ? [] : [nice, "-n", BEHIND];
  if (prlimit === undefined) return behind;
  const data = Math.max(2 * memory_mb, memory_mb + LEAST_DATA_MB) * 2 ** 20;
  return [
    ...behind,
    prlimit,
    `--data=${data}`,
    `--nproc=${processes * THREADS}`,
    // A file that is large already may grow like any other. What has a size of its own is full before, and only fails.
    `--fsize=${Math.max(0, ...disk.map(({ largest }) => largest)) + (disk_mb + 1) * 2 ** 20}`,
    `--nofile=${OPEN_FILES}`,
    "--core=0",
    "--",
  ];
}
