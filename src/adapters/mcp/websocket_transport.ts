/**
 * Messages through a WebSocket, one each.
 *
 * @module
 */
import type { JSONRPCMessage, Transport } from "@modelcontextprotocol/client";
import { type Clock, sleep } from "../../kit/clock.ts";
import type { Resolved } from "./credentials.ts";
import { ChannelEnded, type Ending, NotSent } from "./ending.ts";
import { MAX_MESSAGE } from "./limits.ts";
import { NetworkFailure } from "./server_fetch.ts";

/** How long a server may take to say goodbye, in ms. */
const GOODBYE_MS = 1_000;

/** Options for {@linkcode WebSocketTransport}. */
export interface WebSocketOptions extends Pick<Resolved, "headers" | "query"> {
  clock: Clock;
  /** Told of what comes and is no message; it is skipped. */
  onNoise: () => void;
}

/** A channel to a server that listens on a WebSocket. */
export class WebSocketTransport implements Transport, Ending {
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
  onmessage?: ((message: JSONRPCMessage) => void) | undefined;
  /** Like a local pipe it has one channel for all: the SDK goes by these two. */
  readonly stderr = null;
  readonly pid = null;
  readonly #url: URL;
  readonly #headers: Record<string, string>;
  readonly #closed = Promise.withResolvers<void>();
  #socket: WebSocket | undefined;
  #open = false;
  #leaving = false;
  #ending: ChannelEnded | undefined;

  readonly #clock: Clock;
  readonly #onNoise: () => void;

  constructor(url: URL, { headers, query, clock, onNoise }: WebSocketOptions) {
    this.#clock = clock;
    this.#onNoise = onNoise;
    this.#url = new URL(url);
    this.#headers = headers;
    for (const [name, value] of Object.entries(query)) this.#url.searchParams.set(name, value);
  }

  get ending(): ChannelEnded | undefined {
    return this.#ending;
  }

  start(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const socket = this.#socket = new WebSocket(this.#url, { protocols: ["mcp"], headers: this.#headers });
    let reason = "the connection was closed before it was open";
    socket.onopen = () => {
      this.#open = true;
      resolve();
    };
    socket.onerror = (event) => {
      reason = (event as ErrorEvent).message || reason;
    };
    socket.onclose = ({ code, reason: words }) => {
      if (this.#open) {
        this.#ending ??= new ChannelEnded(`It closed the connection (${code}${words === "" ? "" : `: ${words}`})`);
      } else reject(toNetworkFailure(reason));
      this.#open = false;
      this.#closed.resolve();
      this.onclose?.();
    };
    socket.onmessage = ({ data }) => this.#take(data);
    return promise;
  }

  async send(message: JSONRPCMessage): Promise<void> {
    if (!this.#socket || !this.#open) throw new NotSent("The connection is closed", { cause: this.#ending });
    if (this.#socket.bufferedAmount > MAX_MESSAGE) throw new NotSent("The server doesn't read");
    this.#socket.send(JSON.stringify(message));
  }

  async close(): Promise<void> {
    if (!this.#socket) return this.onclose?.();
    this.#leaving = true;
    this.#socket.close();
    const enough = new AbortController();
    await Promise.race([this.#closed.promise, sleep(this.#clock, GOODBYE_MS, enough.signal).catch(() => {})]);
    enough.abort();
  }

  /** Ends the channel for a reason of ours. */
  end(reason: string): Promise<void> {
    this.#ending ??= new ChannelEnded(reason);
    return this.close();
  }

  #take(data: unknown): void {
    if (typeof data !== "string") return this.#onNoise();
    if (data.length > MAX_MESSAGE) return void this.end(`A message is longer than ${MAX_MESSAGE} characters`);
    let message: JSONRPCMessage;
    try {
      message = JSON.parse(data);
    } catch {
      return this.#onNoise();
    }
    if (typeof message === "object" && message !== null) this.onmessage?.(message);
  }
}

/** Without the address, which can hold a secret. */
function toNetworkFailure(words: string): Error {
  const status = /(?:HTTP|status code:?|unexpected status)\D*(\d{3})/i.exec(words)?.[1];
  if (status !== undefined) return new Error(`Error opening the WebSocket (HTTP ${status}): it refused`);
  return new NetworkFailure(words.replaceAll(/wss?:\/\/\S+/g, "the server"), { sent: false });
}
