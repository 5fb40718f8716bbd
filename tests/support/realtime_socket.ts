/**
 * A WebSocket of OpenAI's Realtime API.
 *
 * @module
 */
import type { RealtimeEvent } from "./realtime_dialect.ts";
import { type TestServer, USER_KEY } from "./server.ts";
import { Waiting, within } from "./waiting.ts";

/** Options for {@linkcode RealtimeSocket.open}. */
export interface RealtimeSocketOptions {
  key?: string;
  /** How the key is said: as applications do, or as browsers must. */
  by?: "header" | "protocol";
}

/** A client that notes every event. */
export class RealtimeSocket implements Disposable {
  readonly events: RealtimeEvent[] = [];
  readonly #closed: Promise<number>;
  readonly #socket: WebSocket;
  readonly #waiting = new Waiting();
  #over = false;

  /** Connects to the call `call_id`, or to `query`. */
  static async open(
    server: TestServer,
    call_id: string | { query: string },
    { key = USER_KEY, by = "header" }: RealtimeSocketOptions = {},
  ): Promise<RealtimeSocket> {
    const query = typeof call_id === "string" ? `call_id=${call_id}` : call_id.query;
    const url = `${server.url.replace(/^http/, "ws")}/v1/realtime?${query}`;
    const socket = by === "header"
      ? new WebSocket(url, { headers: { authorization: `Bearer ${key}` } })
      : new WebSocket(url, ["realtime", `openai-insecure-api-key.${key}`, "openai-agents-sdk.0.20.0"]);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.onopen = () => resolve();
    socket.onerror = (event) => reject(new Error((event as ErrorEvent).message));
    const opened = new RealtimeSocket(socket);
    await within(`the connection to ${url}`, promise);
    return opened;
  }

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    const { promise, resolve } = Promise.withResolvers<number>();
    this.#closed = promise;
    socket.onclose = ({ code }) => {
      this.#over = true;
      resolve(code);
      this.#waiting.told();
    };
    socket.onmessage = ({ data }) => {
      this.events.push(JSON.parse(data));
      this.#waiting.told();
    };
  }

  /** Resolves with the code when the connection is closed. */
  get closed(): Promise<number> {
    return within("the end of the connection", this.#closed, { seen: () => this.events.at(-1) });
  }

  /** Sends an event. */
  send(event: Record<string, unknown>): void {
    this.#socket.send(JSON.stringify(event));
  }

  /** Sends what may be no event. */
  raw(data: string | Uint8Array<ArrayBuffer>): void {
    this.#socket.send(data);
  }

  /** Resolves with event number `count` of a type, once it has come. */
  next(type: string, count = 1): Promise<RealtimeEvent> {
    // Of pieces there are many, and of what failed the reason counts.
    const seen = () =>
      this.events.filter(({ type }) => !type.endsWith(".delta"))
        .map((event) => "error" in event ? `${event.type} ${JSON.stringify(event.error)}` : event.type).join(", ");
    return this.#waiting.until(`number ${count} of ${type}`, () => {
      const found = this.events.filter((event) => event.type === type)[count - 1];
      if (found === undefined && this.#over) throw new Error(`The connection is closed: ${seen()}`);
      return found;
    }, { seen });
  }

  [Symbol.dispose](): void {
    if (!this.#over) this.#socket.close();
  }
}

/** Asks in writing. */
export function type(socket: RealtimeSocket, text: string): void {
  const item = { type: "message", role: "user", content: [{ type: "input_text", text }] };
  socket.send({ type: "conversation.item.create", item });
  socket.send({ type: "response.create" });
}
