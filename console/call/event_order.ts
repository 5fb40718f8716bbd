/**
 * Events that come by several ways at once, each of them once and in order.
 *
 * @module
 */
import type { NewRtcEvent } from "../../src/domain/rtc_event.ts";

/** An event of a call, with its place. */
export type CallEvent = NewRtcEvent & { seq: number };

/** How many may wait for one that is missing. */
const MOST = 512;

/** Puts events in order. */
export class EventOrder {
  readonly #deliver: (event: CallEvent) => void;
  readonly #waiting = new Map<number, CallEvent>();
  #last = 0;
  /** Whether what comes next is taken wherever it stands. */
  #adrift = false;

  constructor(deliver: (event: CallEvent) => void) {
    this.#deliver = deliver;
  }

  /** Behind which place events are asked for: the last one that was delivered; 0 where what is kept is to be had. */
  get last(): number {
    return this.#adrift ? 0 : this.#last;
  }

  /** Whether something is missing before what came. */
  get lacks(): boolean {
    return this.#waiting.size > 0;
  }

  /** Takes an event, whatever way it came. */
  take(event: CallEvent): void {
    if (event.seq <= this.#last || this.#waiting.has(event.seq)) return;
    this.#waiting.set(event.seq, event);
    if (this.#adrift || this.#waiting.size > MOST) this.skip();
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      this.#waiting.delete(next.seq);
      this.#last = next.seq;
      this.#deliver(next);
    }
  }

  /** Waits no longer for what is missing: the server doesn't have it any more. */
  skip(): void {
    this.#adrift = this.#waiting.size === 0;
    if (!this.#adrift) this.#last = Math.min(...this.#waiting.keys()) - 1;
  }

  #next(): CallEvent | undefined {
    return this.#waiting.get(this.#last + 1);
  }
}
