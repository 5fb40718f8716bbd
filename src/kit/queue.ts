/**
 * Between a producer that can't wait and a consumer that may.
 *
 * @module
 */

/** Options for {@linkcode Queue}. */
export interface QueueOptions {
  /** How many items may wait. */
  capacity: number;
  /** Which item is lost when there is no room. */
  overflow: "drop_oldest" | "drop_newest";
}

/**
 * Holds what comes until it is taken, no more than its capacity. For one consumer; leaving its loop ends the queue.
 *
 * @example Losing the oldest
 * const queue = new Queue<number>({ capacity: 2, overflow: "drop_oldest" });
 * for (const each of [1, 2, 3]) queue.push(each);
 * queue.end();
 * console.log(await Array.fromAsync(queue), queue.dropped); // [2, 3] 1
 */
export class Queue<T> implements AsyncIterable<T> {
  readonly #capacity: number;
  readonly #overflow: QueueOptions["overflow"];
  /** What was taken leaves its place empty, so that it can be forgotten. */
  #items: (T | undefined)[] = [];
  /** Where the oldest item is: taking from the front of an array would move all others. */
  #first = 0;
  #dropped = 0;
  #over = false;
  #failure: { reason: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor({ capacity, overflow }: QueueOptions) {
    if (!(capacity >= 1)) throw new RangeError(`Cannot make a queue of capacity ${capacity}: it must be 1 or more`);
    this.#capacity = capacity;
    this.#overflow = overflow;
  }

  /** Items that wait. */
  get size(): number {
    return this.#items.length - this.#first;
  }

  /** Items that were lost for want of room. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Whether nothing is taken any more. */
  get ended(): boolean {
    return this.#over;
  }

  /** Adds `item`. False when one had to go for it, or nothing is taken any more. */
  push(item: T): boolean {
    if (this.#over) return false;
    const full = this.size >= this.#capacity;
    if (full) this.#dropped++;
    if (full && this.#overflow === "drop_newest") return false;
    if (full) this.#shift();
    this.#items.push(item);
    this.#rouse();
    return !full;
  }

  /** What waits is still given, nothing more is taken. */
  end(): void {
    this.#over = true;
    this.#rouse();
  }

  /** As {@linkcode end}, but the consumer is told of `reason` after what waits. */
  fail(reason: unknown): void {
    if (this.#over) return;
    this.#failure = { reason };
    this.end();
  }

  /** Forgets what waits; returns how many items that were. They don't count as lost. */
  clear(): number {
    const { size } = this;
    this.#items = [];
    this.#first = 0;
    return size;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void> {
    try {
      for (;;) {
        while (this.size > 0) yield this.#shift();
        if (this.#over) break;
        await new Promise<void>((resolve) => this.#wake = resolve);
      }
      if (this.#failure !== undefined) throw this.#failure.reason;
    } finally {
      this.end();
      this.clear();
    }
  }

  #shift(): T {
    const item = this.#items[this.#first]!;
    this.#items[this.#first++] = undefined;
    if (this.#first === this.#items.length || this.#first >= 1024) {
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    }
    return item;
  }

  #rouse(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
