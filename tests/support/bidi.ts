/**
 * Commands to a browser, and what it tells (WebDriver BiDi, W3C).
 *
 * @module
 */
import type { Json } from "./story.ts";
import { within } from "./waiting.ts";

/** What a browser is told, or was. */
export class Bidi implements AsyncDisposable {
  readonly #socket: WebSocket;
  readonly #closed = Promise.withResolvers<void>();
  readonly #answers = new Map<number, PromiseWithResolvers<Json>>();
  readonly #onEvent: (method: string, params: Json) => void;
  #last = 0;

  private constructor(socket: WebSocket, onEvent: (method: string, params: Json) => void) {
    this.#socket = socket;
    this.#onEvent = onEvent;
    socket.onmessage = ({ data }) => this.#take(JSON.parse(data));
    socket.onclose = () => {
      for (const { reject } of this.#answers.values()) reject(new Error("The browser has gone"));
      this.#closed.resolve();
    };
  }

  /** Connects to the browser at `address`. */
  static async connect(address: string, onEvent: (method: string, params: Json) => void): Promise<Bidi> {
    const socket = new WebSocket(`${address}/session`);
    const bidi = new Bidi(socket, onEvent);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.onopen = () => resolve();
    socket.onerror = (event) => reject(new Error(`Cannot reach the browser: ${(event as ErrorEvent).message}`));
    await within("the browser to be reached", promise);
    await bidi.send("session.new", { capabilities: {} });
    return bidi;
  }

  /** Sends a command; resolves with its result. */
  async send(method: string, params: Json): Promise<Json> {
    const id = ++this.#last;
    const answer = Promise.withResolvers<Json>();
    this.#answers.set(id, answer);
    this.#socket.send(JSON.stringify({ id, method, params }));
    try {
      return await within(`the browser to do ${method} ${JSON.stringify(params).slice(0, 300)}`, answer.promise);
    } finally {
      this.#answers.delete(id);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await within("the browser to let go", this.#closed.promise);
  }

  #take({ id, type, method, params, result, error, message }: Json): void {
    if (type === "event") return this.#onEvent(method, params);
    const answer = this.#answers.get(id);
    if (type === "success") answer?.resolve(result);
    else answer?.reject(new Error(`${error}: ${message}`));
  }
}
