/**
 * Messages on their way to one reader.
 *
 * @module
 */
import type { JSONRPCMessage } from "@modelcontextprotocol/server";
import type { Item } from "../../operations/operation.ts";

/** Bounds of what waits for a reader. */
const MAX_MESSAGES = 1000;
const MAX_CHARACTERS = 8_000_000;

/** What can be lost when a reader is slow: it only tells how far something is. */
const EXPENDABLE = ["notifications/progress", "notifications/message"];

/**
 * A bounded queue of messages that is read as a stream. A slow reader loses
 * progress first; one that leaves even the answers unread is cut off.
 */
export class Outbox implements AsyncIterableIterator<Item> {
  #waiting: Item[] = [];
  #characters = 0;
  #over = false;
  #reader: ((result: IteratorResult<Item>) => void) | undefined;
  #onOverflow: () => void;

  /** `onOverflow` is called when a message that can't be lost finds no room. */
  constructor(onOverflow: () => void) {
    this.#onOverflow = onOverflow;
  }

  /** How many messages wait. */
  get size(): number {
    return this.#waiting.length;
  }

  /** Puts a message at the end. */
  push(message: JSONRPCMessage | Record<string, unknown>): void {
    const method = (message as { method?: unknown }).method;
    this.pushItem({ type: "message", data: JSON.stringify(message) }, EXPENDABLE.includes(String(method)));
  }

  /** Puts anything at the end. */
  pushItem(item: Item, expendable = false): void {
    if (this.#over) return;
    if (this.#reader) {
      const reader = this.#reader;
      this.#reader = undefined;
      return reader({ done: false, value: item });
    }
    const isFull = this.#waiting.length >= MAX_MESSAGES || this.#characters + item.data.length > MAX_CHARACTERS;
    // Half of the room is kept for what can't be lost.
    if (expendable && this.#waiting.length >= MAX_MESSAGES / 2) return;
    if (isFull && expendable) return;
    if (isFull && this.#waiting.length > 0) {
      this.end();
      return this.#onOverflow();
    }
    this.#waiting.push(item);
    this.#characters += item.data.length;
  }

  /** Takes all that waits. */
  take(): Item[] {
    this.#characters = 0;
    return this.#waiting.splice(0);
  }

  /** Nothing comes any more. */
  end(): void {
    this.#over = true;
    this.#reader?.({ done: true, value: undefined });
    this.#reader = undefined;
  }

  next(): Promise<IteratorResult<Item>> {
    const item = this.#waiting.shift();
    if (item) {
      this.#characters -= item.data.length;
      return Promise.resolve({ done: false, value: item });
    }
    if (this.#over) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#reader = resolve);
  }

  return(): Promise<IteratorResult<Item>> {
    this.end();
    this.#waiting = [];
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
