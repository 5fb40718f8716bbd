/**
 * Counts the timers of this process. To be imported before everything whose timers count.
 *
 * @module
 */

type Timer = ReturnType<typeof setTimeout>;

const live = new Set<unknown>();
const { setTimeout: set, clearTimeout: clear, setInterval: repeat, clearInterval: stop } = globalThis;

/** How many wait. */
export function liveTimers(): number {
  return live.size;
}

// deno-lint-ignore no-explicit-any -- as the platform types it
type Task = (...args: any[]) => void;

Object.assign(globalThis, {
  setTimeout(task: Task, ms?: number, ...args: unknown[]): Timer {
    const id: Timer = set(() => {
      live.delete(id);
      task(...args);
    }, ms);
    live.add(id);
    return id;
  },
  setInterval(task: Task, ms?: number, ...args: unknown[]): Timer {
    const id = repeat(task, ms, ...args);
    live.add(id);
    return id;
  },
  clearTimeout(id?: Timer): void {
    if (id !== undefined) live.delete(id);
    clear(id);
  },
  clearInterval(id?: Timer): void {
    if (id !== undefined) live.delete(id);
    stop(id);
  },
});
