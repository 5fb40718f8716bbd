/**
 * The watchdog over what a program uses: the ceiling of all its processes together.
 *
 * @module
 */
import type { SandboxProfile } from "../../domain/policy.ts";
import type { Clock } from "../../kit/clock.ts";
import { hasOwnProcesses, isStaying, processesOf, usageOf } from "./ceilings_usage.ts";

/** What {@linkcode watchCeilings} watches. */
export interface Watched {
  pid: number;
  /** The first process of its box; undefined while it isn't known, and for good where there is no box. */
  first(): number | undefined;
  profile: SandboxProfile;
  /** What of it is ours. */
  overhead: { processes: number; memory_mb: number };
}

const LOOK_MS = 100;
const MB = 2 ** 20;

/** What ended a program: a ceiling, or that its box could not be looked into. */
export type Exceeded = "memory" | "processes" | "not to be watched";

/** Calls `over` when a ceiling is exceeded; looks until disposed. */
export function watchCeilings(
  watched: Watched,
  clock: Clock,
  over: (exceeded: Exceeded) => void,
): Disposable {
  const { pid, profile, overhead } = watched;
  const bytes = (profile.memory_mb + overhead.memory_mb) * MB;
  const count = profile.processes + overhead.processes;
  let mounted = false;
  return clock.every(LOOK_MS, () => {
    const first = watched.first();
    // Until bubblewrap has mounted it, the list of processes is the machine's own, or none.
    if (first !== undefined && !(mounted ||= hasOwnProcesses(first))) return;
    const processes = processesOf(pid, first);
    if (first !== undefined && processes.length === 0 && isStaying(first)) over("not to be watched");
    else if (processes.length > count) over("processes");
    else if (usageOf(processes, bytes).bytes > bytes) over("memory");
  });
}
