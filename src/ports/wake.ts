/**
 * Telling others that something changed. Lost, doubled or reordered wakes only
 * delay: whoever waits also looks by itself.
 *
 * @module
 */

/** Wakes whoever waits for a topic, such as `run:run_01…`. */
export interface Wake {
  notify(topic: string): void;
  /** Calls `listener` at each wake of `topic` until disposed. */
  subscribe(topic: string, listener: () => void): Disposable;
}
