/**
 * Time, the one place that reads it, so that tests can move it.
 *
 * @module
 */

/** What the rest of the program knows of time. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls `task` once after `ms`, until disposed. Does not keep the process alive. */
  after(ms: number, task: () => void): Disposable;
  /** Calls `task` every `ms` until disposed. Does not keep the process alive. */
  every(ms: number, task: () => void): Disposable;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, task) {
    const timer = setTimeout(task, ms);
    Deno.unrefTimer(timer);
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
  every(ms, task) {
    const timer = setInterval(task, ms);
    Deno.unrefTimer(timer);
    return { [Symbol.dispose]: () => clearInterval(timer) };
  },
};

/** Waits `ms`, or rejects with the signal's reason. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  if (signal?.aborted) return Promise.reject(signal.reason);
  const timer = clock.after(ms, () => {
    signal?.removeEventListener("abort", stop);
    resolve();
  });
  const stop = () => {
    timer[Symbol.dispose]();
    reject(signal!.reason);
  };
  signal?.addEventListener("abort", stop, { once: true });
  return promise;
}

let lastTime = { ms: NaN, text: "" };

/** The time as the API writes it: ISO 8601 in UTC. */
export function toTime(ms: number): string {
  // What happens together asks for the same time.
  if (ms !== lastTime.ms) lastTime = { ms, text: new Date(ms).toISOString() };
  return lastTime.text;
}
