/**
 * Time, the one place that reads it, so that tests can move it.
 *
 * @module
 */
import { onDispose } from "./on_dispose.ts";

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

/** A task that waits with others, until it is disposed or done. */
class Waiting implements Disposable {
  #task: (() => void) | undefined;
  readonly #among: Set<Waiting>;

  constructor(task: () => void, among: Set<Waiting>) {
    this.#task = task;
    this.#among = among;
    among.add(this);
  }

  do(): void {
    const task = this.#task;
    this[Symbol.dispose]();
    task?.();
  }

  [Symbol.dispose](): void {
    // A table that a set has outgrown is kept until the next full collection, with all that was in it.
    this.#task = undefined;
    this.#among.delete(this);
  }
}

/** Tasks by the time they are due at. */
const shared = new Map<number, Set<Waiting>>();

function startTimer(ms: number, task: () => void): Disposable {
  const timer = setTimeout(task, ms);
  Deno.unrefTimer(timer);
  return onDispose(() => clearTimeout(timer));
}

/** Waits with others that are due within a sixteenth of `ms`. */
function shareTimer(ms: number, task: () => void): Disposable {
  const now = performance.now();
  // A sixteenth of the greatest power of two within `ms`.
  const step = 2 ** (27 - Math.clz32(ms));
  const due = Math.ceil((now + ms) / step) * step;
  let tasks = shared.get(due);
  if (!tasks) shared.set(due, tasks = startShared(due, now));
  return new Waiting(task, tasks);
}

function startShared(due: number, now: number): Set<Waiting> {
  const tasks = new Set<Waiting>();
  startTimer(due - now, () => {
    shared.delete(due);
    // One that throws doesn't keep the others from their turn; one that disposes another does.
    for (const one of tasks) queueMicrotask(() => one.do());
  });
  return tasks;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after: (ms, task) => ms < SHARED_MS || ms > MAX_MS ? startTimer(ms, task) : shareTimer(ms, task),
  every(ms, task) {
    const timer = setInterval(task, ms);
    Deno.unrefTimer(timer);
    return onDispose(() => clearInterval(timer));
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

/** All of a time but its milliseconds, for the second that was last asked for. */
let second = { at: NaN, text: "" };

/** The time as the API writes it: ISO 8601 in UTC. */
export function toTime(ms: number): string {
  const whole = Math.trunc(ms);
  const at = Math.floor(whole / 1000);
  if (at !== second.at) second = { at, text: new Date(at * 1000).toISOString().slice(0, -4) };
  return `${second.text}${String(whole - at * 1000).padStart(3, "0")}Z`;
}
