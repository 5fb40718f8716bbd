/**
 * Messages that clients send again when they can't know whether they arrived: each is done once, and acknowledged.
 *
 * @module
 */

/** How many are remembered: more than clients have unacknowledged at once. */
const MAX_KNOWN = 512;

/** Of one call. */
export class Acknowledgements {
  readonly #onDone: (id: string) => void;
  /** Whether each message that came is done. The newest are last. */
  readonly #known = new Map<string, boolean>();

  constructor({ onDone }: { onDone(id: string): void }) {
    this.#onDone = onDone;
  }

  /** Does `work`, unless a message `id` was done before or is being done; then tells that it is done. */
  async once(id: string | undefined, work: () => Promise<void> | void): Promise<void> {
    if (id === undefined) return await work();
    const isDone = this.#known.get(id);
    if (isDone) this.#onDone(id);
    if (isDone !== undefined) return;
    this.#note(id, false);
    try {
      await work();
    } finally {
      this.#note(id, true);
      this.#onDone(id);
    }
  }

  #note(id: string, isDone: boolean): void {
    this.#known.set(id, isDone);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= MAX_KNOWN) break;
      this.#known.delete(oldest);
    }
  }
}
