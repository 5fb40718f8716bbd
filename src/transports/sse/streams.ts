/**
 * The event streams that are open.
 *
 * @module
 */
import type { Clock } from "../../kit/clock.ts";
import type { Item } from "../../operations/operation.ts";
import { COMMENT, toFrame } from "./encode.ts";

/** Times of event streams. */
export interface EventStreamOptions {
  clock: Clock;
  /** How often a silent stream gets a comment, in milliseconds. */
  keepalive_ms: number;
  /** How long a reader may leave a frame unread before it is cut off, in milliseconds. */
  write_timeout_ms: number;
}

/** What one stream is made of. */
export interface StreamSource {
  items: AsyncIterable<Item>;
  /** Aborted when the stream is over, whoever ended it. */
  visit: AbortController;
  /** The frame for what went wrong after the headers. */
  toErrorFrame(thrown: unknown): Uint8Array;
}

/**
 * Writes event streams: nothing is read from a source before the reader wants
 * it, so a slow reader costs one frame.
 */
export class EventStreams implements Disposable {
  #options: EventStreamOptions;
  #open = new Set<Writer>();
  #timer: Disposable;

  constructor(options: EventStreamOptions) {
    this.#options = options;
    this.#timer = options.clock.every(options.keepalive_ms, () => this.#tick());
  }

  /** Answers with `source`. */
  respond(source: StreamSource): Response {
    const writer = new Writer(source, this.#options.clock, () => this.#open.delete(writer));
    this.#open.add(writer);
    return new Response(new ReadableStream(writer, { highWaterMark: 0 }), {
      headers: {
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-store",
        "x-accel-buffering": "no",
      },
    });
  }

  /** Ends every stream; readers come back with the last id they saw. */
  [Symbol.dispose](): void {
    this.#timer[Symbol.dispose]();
    for (const writer of [...this.#open]) writer.end();
  }

  #tick(): void {
    const { clock, write_timeout_ms } = this.#options;
    const stuck = clock.now() - write_timeout_ms;
    for (const writer of [...this.#open]) writer.tick(stuck);
  }
}

class Writer implements UnderlyingDefaultSource<Uint8Array> {
  #source: StreamSource;
  #iterator: AsyncIterator<Item>;
  #clock: Clock;
  #onOver: () => void;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  /** Since when the reader has left a frame unread; 0 while it waits for one. */
  #unreadSince: number;

  constructor(source: StreamSource, clock: Clock, onOver: () => void) {
    this.#source = source;
    this.#iterator = source.items[Symbol.asyncIterator]();
    this.#clock = clock;
    this.#onOver = onOver;
    this.#unreadSince = clock.now();
  }

  async pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    this.#controller = controller;
    this.#unreadSince = 0;
    try {
      const { done, value } = await this.#iterator.next();
      if (done) return this.end();
      if (this.#over) return;
      controller.enqueue(toFrame(value));
      this.#unreadSince = this.#clock.now();
    } catch (thrown) {
      if (this.#over) return;
      controller.enqueue(this.#source.toErrorFrame(thrown));
      this.end();
    }
  }

  cancel(): void {
    this.#finish();
  }

  /** Closes the stream after what is written. */
  end(): void {
    if (this.#over) return;
    try {
      this.#controller?.close();
    } catch {
      // The reader went at the same moment.
    }
    this.#finish();
  }

  /** Comments where the reader waits; cuts off where it has not read since `stuck`. */
  tick(stuck: number): void {
    if (this.#unreadSince === 0) this.#controller?.enqueue(COMMENT);
    else if (this.#unreadSince < stuck) {
      this.#controller?.error(new Error("The reader did not read"));
      this.#finish();
    }
  }

  get #over(): boolean {
    return this.#source.visit.signal.aborted;
  }

  #finish(): void {
    if (this.#over) return;
    this.#onOver();
    this.#source.visit.abort();
    this.#iterator.return?.().catch(() => {});
  }
}
