/**
 * Waiting for a lock without stopping the event loop.
 *
 * @module
 */
import { type Connection, isBusy, isUnavailable, toUnavailable } from "./connection.ts";

/** How long to wait before the try after the `failed`th. */
export function backOff(failed: number): number {
  return Math.min(5 * 2 ** failed, 200) * (0.5 + Math.random() / 2);
}

/**
 * What `action` returns. While it meets a lock it is tried again on a new
 * connection; `attempt` says in the error what could not be done.
 */
export async function retryBusy<T>(connection: Connection, attempt: string, action: () => T): Promise<T> {
  const start = performance.now();
  for (let failed = 0;; failed++) {
    try {
      return action();
    } catch (error) {
      const busy = isBusy(error);
      if (!busy && !isUnavailable(error)) throw error;
      connection.reset();
      if (!busy || performance.now() - start > connection.lockWaitMs) throw toUnavailable(attempt, error);
    }
    await new Promise((resolve) => setTimeout(resolve, backOff(failed)));
  }
}
