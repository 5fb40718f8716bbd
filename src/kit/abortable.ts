/**
 * Waiting no longer than somebody wants to.
 *
 * @module
 */
import type { Clock } from "./clock.ts";

/** Waits for `work`, but not longer than `signal` lets; rejects with its reason. The work itself goes on. */
export function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const stop = () => reject(signal.reason);
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  const end = () => signal.removeEventListener("abort", stop);
  work.then(
    (result) => {
      end();
      resolve(result);
    },
    (error) => {
      end();
      reject(error);
    },
  );
  return promise;
}

/** Does `work` under a signal that aborts with `signal`, or with what `late` makes once `ms` passed. */
export async function within<T>(
  work: (signal: AbortSignal) => Promise<T>,
  { clock, ms, signal, late }: { clock: Clock; ms: number; signal: AbortSignal; late: () => Error },
): Promise<T> {
  const limit = new AbortController();
  using _ = clock.after(ms, () => limit.abort(late()));
  const both = AbortSignal.any([signal, limit.signal]);
  both.throwIfAborted();
  return await abortable(work(both), both);
}
