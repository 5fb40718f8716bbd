/**
 * The end of a process that a test has started.
 *
 * @module
 */

/** How long a process may take to end when it is asked to, in milliseconds. */
const GRACE_MS = 10_000;

/** Asks `child` to end by `signal`, and makes it if it doesn't. Resolves when it has ended. */
export async function endChild(child: Deno.ChildProcess, signal: Deno.Signal = "SIGTERM"): Promise<void> {
  try {
    child.kill(signal);
  } catch {
    // It has ended by itself.
  }
  const hard = setTimeout(() => child.kill("SIGKILL"), GRACE_MS);
  await child.status;
  clearTimeout(hard);
}
