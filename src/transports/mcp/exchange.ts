/**
 * One POST and what comes back: JSON when the answer is there at once, a stream otherwise.
 *
 * @module
 */
import type { JSONRPCMessage, RequestId } from "@modelcontextprotocol/server";
import type { Item } from "../../operations/operation.ts";
import type { EventStreams } from "../streams.ts";
import { toErrorMessage } from "./errors.ts";
import { Outbox } from "./outbox.ts";
import type { Soon } from "./soon.ts";

const encoder = new TextEncoder();

/** A message as a frame of server-sent events. */
export function toFrame({ type, data }: Item): Uint8Array {
  return encoder.encode(`event: ${type}\ndata: ${data}\n\n`);
}

/** What an {@linkcode Exchange} needs. */
export interface ExchangeOptions {
  streams: EventStreams;
  soon: Soon;
  /** The request that wants an answer. */
  id: RequestId;
  /** Called when nobody waits for the answer any more. */
  onGone(): void;
}

/** See the module. */
export class Exchange {
  /** Aborts when the client is gone, and when a stream has ended. */
  readonly gone = new AbortController();
  /** The status of an answer that is no stream. */
  status = 200;
  #options: ExchangeOptions;
  #outbox: Outbox;
  #isAnswered = false;
  #isPlain = true;
  #settled = Promise.withResolvers<void>();

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#outbox = new Outbox(() => this.gone.abort());
    this.gone.signal.addEventListener("abort", () => {
      this.#outbox.end();
      this.#settled.resolve();
      if (!this.#isAnswered) options.onGone();
    }, { once: true });
  }

  /** Sends a message: the answer, or something on the way to it. */
  send(message: JSONRPCMessage | Record<string, unknown>): void {
    if (this.gone.signal.aborted || this.#isAnswered) return;
    this.#outbox.push(message);
    if ("method" in message) this.#isPlain = false;
    else {
      this.#isAnswered = true;
      this.#outbox.end();
    }
    this.#settled.resolve();
  }

  /**
   * The response, as soon as its form is known. Whoever has waited a moment gets a stream: only then does the server
   * notice when the client leaves.
   */
  async respond(headers: Record<string, string> = {}): Promise<Response> {
    const { streams, soon } = this.#options;
    soon.wait(this.#settled.resolve);
    await this.#settled.promise;
    if (this.#isPlain && this.#isAnswered) {
      const [answer] = this.#outbox.take();
      return new Response(answer!.data, {
        status: this.status,
        headers: { ...headers, "content-type": "application/json" },
      });
    }
    const toErrorFrame = (thrown: unknown) => {
      return toFrame({ type: "message", data: JSON.stringify(toErrorMessage(null, thrown)) });
    };
    return streams.respond({ items: this.#outbox, visit: this.gone, toFrame, toErrorFrame, headers });
  }
}
