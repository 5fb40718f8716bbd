/**
 * A call's events over HTTP, for as long as they don't come over the connection itself.
 *
 * @module
 */
import { type Api, CallError } from "./api.ts";
import type { CallEvent } from "./event_order.ts";
import { readFrames } from "./event_stream.ts";

/** How long to wait before asking again, at most. */
const MAX_WAIT_MS = 5000;
/** The answers after which asking again is of no use. */
const FINAL_STATUS = [400, 401, 403, 404];

/** Options of a feed. */
export interface EventFeedOptions {
  api: Api;
  session_id: string;
  /** The place of the last event that is known. */
  last(): number;
  onEvent(event: CallEvent): void;
  /** What is missing is gone. */
  onGap(): void;
  /** There will be no more events. */
  onEnd(error: CallError | undefined): void;
}

/** Reads events, and goes on after the last one whenever the stream breaks. */
export class EventFeed implements Disposable {
  readonly #options: EventFeedOptions;
  #reading: AbortController | undefined;

  constructor(options: EventFeedOptions) {
    this.#options = options;
  }

  /** Reads, if it doesn't yet. */
  start(): void {
    if (this.#reading) return;
    this.#reading = new AbortController();
    void this.#read(this.#reading.signal);
  }

  /** Reads no more. */
  [Symbol.dispose](): void {
    this.#reading?.abort();
    this.#reading = undefined;
  }

  async #read(signal: AbortSignal): Promise<void> {
    const { api, session_id, last, onEvent, onGap, onEnd } = this.#options;
    for (let tries = 0; !signal.aborted; tries++) {
      try {
        const known = last();
        const response = await api.send("GET", `/rtc/sessions/${session_id}/events`, {
          headers: { accept: "text/event-stream", ...known > 0 && { "last-event-id": String(known) } },
          signal,
        });
        // Nothing is left, and nothing will come.
        if (response.status === 204 || response.body === null) return onEnd(undefined);
        for await (const { id, event, data } of readFrames(response.body)) {
          if (signal.aborted) return;
          if (id === "") continue;
          tries = 0;
          onEvent({ seq: Number(id), type: event, data: JSON.parse(data) } as CallEvent);
        }
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof CallError && error.status === 410) onGap();
        else if (error instanceof CallError && FINAL_STATUS.includes(error.status)) return onEnd(error);
      }
      await pause(Math.min(MAX_WAIT_MS, 250 * 2 ** tries), signal);
    }
  }
}

/** Resolves after a while, or at once when `signal` is aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = () => resolve();
  const timer = setTimeout(stop, ms);
  signal.addEventListener("abort", stop);
  await promise;
  clearTimeout(timer);
  signal.removeEventListener("abort", stop);
}
