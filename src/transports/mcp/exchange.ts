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
  /** The requests that want an answer. */
  ids: readonly RequestId[];
  /** Whether they came as a batch, so that their answers are a list. */
  batch?: boolean;
  /** Called when nobody waits any more for the answers to `ids`. */
  onGone(ids: Iterable<RequestId>): void;
}

/** See the module. */
export class Exchange {
  /** Aborts when the client is gone, and when a stream has ended. */
  readonly gone = new AbortController();
  /** The status of an answer that is no stream. */
  status = 200;
  #options: ExchangeOptions;
  #outbox: Outbox;
  readonly #open: Set<RequestId>;
  #isPlain = true;
  #settled = Promise.withResolvers<void>();

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#open = new Set(options.ids);
    this.#outbox = new Outbox(() => this.gone.abort());
    this.gone.signal.addEventListener("abort", () => {
      this.#outbox.end();
      this.#settled.resolve();
      if (!this.#isAnswered) options.onGone(this.#open);
    }, { once: true });
  }

  get #isAnswered(): boolean {
    return this.#open.size === 0;
  }

  /** Sends a message: an answer, or something on the way to it. */
  send(message: JSONRPCMessage | Record<string, unknown>): void {
    if (this.gone.signal.aborted || this.#isAnswered) return;
    this.#outbox.push(message);
    if ("method" in message) {
      this.#isPlain = false;
      return this.#settled.resolve();
    }
    this.#open.delete((message as { id: RequestId }).id);
    if (!this.#isAnswered) return;
    this.#outbox.end();
    this.#settled.resolve();
  }

  /**
   * The response, as soon as its form is known. Whoever has waited a moment gets a stream: only then does the server
   * notice when the client leaves.
   */
  async respond(headers: Record<string, string> = {}): Promise<Response> {
    const { streams, soon, batch = false } = this.#options;
    soon.wait(this.#settled.resolve);
    await this.#settled.promise;
    if (this.#isPlain && this.#isAnswered) {
      const answers = this.#outbox.take().map(({ data }) => data);
      return new Response(batch ? `[${answers.join()}]` : answers[0], {
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
