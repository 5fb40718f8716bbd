/**
 * The event streams that are open, whatever is said in them.
 *
 * @module
 */
import { AppError } from "../domain/error.ts";
import type { Clock } from "../kit/clock.ts";
import type { Item } from "../operations/operation.ts";

/** Why a stream's visit ends. One for all, as making an error costs more than sending an event. */
const OVER = new Error("The stream is over");

/** The longest that a timer takes. */
const MAX_TIMER = 2 ** 31 - 1;

/** Keeps proxies awake. */
const COMMENT = new TextEncoder().encode(": keep-alive\n\n");

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
  /** What is written of an item; undefined for one that is not told here. */
  toFrame(item: Item): Uint8Array | undefined;
  /** The frame for what went wrong after the headers. */
  toErrorFrame(thrown: unknown): Uint8Array;
  /** What is written last when the items end, or the server does. */
  atEnd?(): Uint8Array | undefined;
  headers?: Record<string, string>;
  /** When what it was opened with is worth nothing any more, in milliseconds: it ends then, with an error. */
  expires_at?: number | undefined;
}

/**
 * Writes event streams: nothing is read from a source before the reader wants
 * it, so a slow reader costs one frame.
 */
export class EventStreams implements Disposable {
  #options: EventStreamOptions;
  #open = new Set<Writer>();
  #timers = new DisposableStack();

  constructor(options: EventStreamOptions) {
    this.#options = options;
    const { clock, keepalive_ms, write_timeout_ms } = options;
    this.#timers.use(clock.every(keepalive_ms, () => this.#open.forEach((writer) => writer.comment())));
    this.#timers.use(clock.every(write_timeout_ms / 4, () => this.#cutOff(clock.now() - write_timeout_ms)));
  }

  /** Answers with `source`. */
  respond(source: StreamSource): Response {
    const writer = new Writer(source, this.#options.clock, () => this.#open.delete(writer));
    this.#open.add(writer);
    return new Response(new ReadableStream(writer, { highWaterMark: 0 }), {
      headers: {
        ...source.headers,
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-store",
        "x-accel-buffering": "no",
      },
    });
  }

  /** Ends every stream; readers come back with the last id they saw. */
  [Symbol.dispose](): void {
    this.#timers.dispose();
    for (const writer of [...this.#open]) writer.end();
  }

  #cutOff(stuck: number): void {
    for (const writer of [...this.#open]) writer.cutOff(stuck);
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
  /** Not the same as an aborted visit: who leaves aborts that first, and the rest is still to be done. */
  #over = false;
  #expiry: Disposable | undefined;

  constructor(source: StreamSource, clock: Clock, onOver: () => void) {
    this.#source = source;
    this.#iterator = source.items[Symbol.asyncIterator]();
    this.#clock = clock;
    this.#onOver = onOver;
    this.#unreadSince = clock.now();
  }

  start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    this.#controller = controller;
    const { expires_at } = this.#source;
    if (expires_at !== undefined) this.#endAt(expires_at);
  }

  async pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    this.#unreadSince = 0;
    try {
      for (;;) {
        const { done, value } = await this.#iterator.next();
        if (done) return this.end();
        if (this.#over) return;
        const frame = this.#source.toFrame(value);
        if (!frame) continue;
        controller.enqueue(frame);
        this.#unreadSince = this.#clock.now();
        return;
      }
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  cancel(): void {
    this.#finish();
  }

  /** Closes the stream after what is written. */
  end(): void {
    if (this.#over) return;
    try {
      const last = this.#source.atEnd?.();
      if (last) this.#controller?.enqueue(last);
    } catch {
      // The reader went at the same moment.
    }
    this.#close();
  }

  /** Tells a reader that waits, and whatever is between, that the stream lives. */
  comment(): void {
    if (this.#unreadSince === 0) this.#controller?.enqueue(COMMENT);
  }

  /** Ends the stream of a reader that has not read since `stuck`. */
  cutOff(stuck: number): void {
    if (this.#unreadSince === 0 || this.#unreadSince > stuck) return;
    this.#controller?.error(new Error("The reader did not read"));
    this.#finish();
  }

  #endAt(time: number): void {
    const left = time - this.#clock.now();
    this.#expiry = this.#clock.after(Math.max(0, Math.min(left, MAX_TIMER)), () => {
      if (left > MAX_TIMER) return this.#endAt(time);
      this.#fail(new AppError("UnauthorizedError", "The token has expired that the stream was opened with"));
    });
  }

  /** Ends the stream with `thrown`, behind what is written. */
  #fail(thrown: unknown): void {
    if (this.#over) return;
    try {
      this.#controller?.enqueue(this.#source.toErrorFrame(thrown));
    } catch {
      // The reader went at the same moment.
    }
    this.#close();
  }

  #close(): void {
    if (this.#over) return;
    try {
      this.#controller?.close();
    } catch {
      // The reader went at the same moment.
    }
    this.#finish();
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#expiry?.[Symbol.dispose]();
    this.#onOver();
    this.#source.visit.abort(OVER);
    this.#iterator.return?.().catch(() => {});
  }
}
