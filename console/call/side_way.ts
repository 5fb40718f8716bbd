/**
 * The way for words while there is no connection: a WebSocket that joins the call without media.
 *
 * @module
 */
import type { Api } from "./api.ts";
import type { CallEvent } from "./event_order.ts";
import { pause } from "./event_feed.ts";

/** Options of a way. */
export interface SideWayOptions {
  api: Api;
  session_id: string;
  /** The place of the last event that is known. */
  last(): number;
  onEvent(event: CallEvent): void;
  /** Now something can be sent. */
  onOpen(): void;
  /** What was sent last is longer than the server takes. */
  onTooLong(): void;
}

/** How long to wait before trying again, at most. */
const MAX_WAIT_MS = 5000;
/** What a server closes with that doesn't take so long a message (RFC 6455, section 7.4.1). */
const TOO_BIG = 1009;

/** Joins a call, and again whenever that breaks. */
export class SideWay implements Disposable {
  readonly #options: SideWayOptions;
  #open: AbortController | undefined;
  #socket: WebSocket | undefined;

  constructor(options: SideWayOptions) {
    this.#options = options;
  }

  /** Joins, if it hasn't yet. */
  start(): void {
    if (this.#open) return;
    this.#open = new AbortController();
    void this.#keepOpen(this.#open.signal);
  }

  /** Sends text, if it can be sent now. */
  send(text: string): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(text);
    return true;
  }

  /** Leaves. */
  [Symbol.dispose](): void {
    this.#open?.abort();
    this.#open = undefined;
    this.#socket?.close();
    this.#socket = undefined;
  }

  async #keepOpen(signal: AbortSignal): Promise<void> {
    for (let tries = 0; !signal.aborted; tries++) {
      if (await this.#join(signal).catch(() => false)) tries = 0;
      await pause(Math.min(MAX_WAIT_MS, 500 * 2 ** tries), signal);
    }
  }

  /** Resolves, once it is over, with whether it ever was open. */
  async #join(signal: AbortSignal): Promise<boolean> {
    const { api, session_id, last, onEvent, onOpen, onTooLong } = this.#options;
    const known = last();
    const query = known > 0 ? { starting_after: String(known) } : {};
    const socket = await api.connect(`/rtc/sessions/${session_id}/attach`, query, { signal });
    // A ticket of the page's own comes whenever it does.
    if (signal.aborted) {
      socket.close();
      return false;
    }
    this.#socket = socket;
    let opened = false;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    socket.onopen = () => {
      opened = true;
      onOpen();
    };
    socket.onmessage = ({ data }) => onEvent(JSON.parse(data) as CallEvent);
    socket.onclose = ({ code }) => {
      if (code === TOO_BIG && this.#socket === socket) onTooLong();
      resolve(opened);
    };
    return await promise;
  }
}
