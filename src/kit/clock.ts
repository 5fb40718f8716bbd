/**
 * Time, the one place that reads it, so that tests can move it.
 *
 * @module
 */

/** What the rest of the program knows of time. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls `task` once after `ms`, or up to a sixteenth later, until disposed. Does not keep the process alive. */
  after(ms: number, task: () => void): Disposable;
  /** Calls `task` every `ms` until disposed. Does not keep the process alive. */
  every(ms: number, task: () => void): Disposable;
}

/** From how many milliseconds on a timer of the system is shared: most limits are never met, so many wait at once. */
const SHARED_MS = 500;
/** What a timer of the system can wait. */
const MAX_MS = 2 ** 31 - 1;

/** Tasks by the time they are due at. */
const shared = new Map<number, Set<() => void>>();

function startTimer(ms: number, task: () => void): Disposable {
  const timer = setTimeout(task, ms);
  Deno.unrefTimer(timer);
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}

/** Waits with others that are due within a sixteenth of `ms`. */
function shareTimer(ms: number, task: () => void): Disposable {
  const now = performance.now();
  const step = 2 ** (Math.floor(Math.log2(ms)) - 4);
  const due = Math.ceil((now + ms) / step) * step;
  const tasks = shared.get(due) ?? new Set();
  if (!shared.has(due)) {
    shared.set(due, tasks);
    startTimer(due - now, () => {
      shared.delete(due);
      // One that throws doesn't keep the others from their turn; one that disposes another does.
      for (const one of tasks) queueMicrotask(() => tasks.delete(one) && one());
    });
  }
  const own = () => task();
  tasks.add(own);
  return { [Symbol.dispose]: () => void tasks.delete(own) };
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after: (ms, task) => ms < SHARED_MS || ms > MAX_MS ? startTimer(ms, task) : shareTimer(ms, task),
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
