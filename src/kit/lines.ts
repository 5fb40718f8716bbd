/**
 * Standing in line.
 *
 * @module
 */

/** Does work one after the other for each key, in the order in which it is asked for. */
export class Lines {
  #ends = new Map<string, Promise<void>>();

  /** Does `work` once everything asked for before under `key` is done. */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#ends.get(key);
    const mine = Promise.withResolvers<void>();
    this.#ends.set(key, mine.promise);
    try {
      await before;
      return await work();
    } finally {
      mine.resolve();
      if (this.#ends.get(key) === mine.promise) this.#ends.delete(key);
    }
  }
}
