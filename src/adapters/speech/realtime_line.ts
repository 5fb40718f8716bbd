/**
 * One WebSocket to a server that speaks OpenAI's Realtime protocol.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import { abortable } from "../../kit/abortable.ts";
import type { Clock } from "../../kit/clock.ts";
import { joinSignals } from "../../kit/joined_signal.ts";
import { readMessage, toSafeText } from "../../kit/refusal.ts";
import { type Failing, fromConnection, fromRubbish, SpeechError } from "./failure.ts";

/** An event, whoever says it. */
export type RealtimeEvent = { type: string } & Record<string, unknown>;

/** Where a {@linkcode RealtimeLine} leads. */
export interface LineOptions {
  /** Such as `wss://api.openai.com/v1/realtime?model=gpt-realtime`. */
  url: string;
  failing: Failing;
  connect_ms: number;
  clock: Clock;
  /** What is asked for first: the line is open once the server has said yes. */
  session: RealtimeEvent;
}

/** The longest event of a server, in characters: a second of sound is 64,000. */
const MAX_EVENT = 4_000_000;
/** How much may wait for a server that doesn't read, in bytes, beside what is said at once: half a minute of sound. */
const MAX_WAITING = 2_000_000;

/** See the module. */
export class RealtimeLine {
  readonly #socket: WebSocket;
  readonly #failing: Failing;
  #listener: (event: RealtimeEvent) => void = () => {};
  readonly #over = Promise.withResolvers<SpeechError>();
  #ended = false;
  /** How much may wait now. */
  #room = MAX_WAITING;
  /** Whether sound was made on it: its voice can't be another one any more. */
  spoken = false;
  /** The session as it was last asked for, as JSON. */
  session: string;

  /** Connects. Rejects with `UpstreamError`, `TimeoutError`, or the reason of `signal`. */
  static async open(options: LineOptions, { signal }: { signal: AbortSignal }): Promise<RealtimeLine> {
    const { clock, connect_ms, failing, session } = options;
    const late = new AbortController();
    using _ = clock.after(connect_ms, () => {
      const message = `Speech server "${failing.name}" did not take the call within ${connect_ms} ms`;
      late.abort(new AppError("TimeoutError", message));
    });
    using both = joinSignals(signal, late.signal);
    both.signal.throwIfAborted();
    const line = new RealtimeLine(options);
    const agreed = Promise.withResolvers<void>();
    line.#listener = (event) => {
      if (event.type === "session.created") line.send(session);
      else if (event.type === "session.updated") agreed.resolve();
      else if (event.type === "error") agreed.reject(line.refusal(event));
    };
    void line.#over.promise.then(agreed.reject);
    try {
      await abortable(agreed.promise, both.signal);
      return line;
    } catch (error) {
      line.close();
      throw error;
    }
  }

  private constructor({ url, failing, session }: LineOptions) {
    this.#failing = failing;
    this.session = JSON.stringify(session);
    const headers = failing.api_key === "" ? {} : { authorization: `Bearer ${failing.api_key}` };
    const socket = this.#socket = new WebSocket(url, { headers });
    let words = "";
    let open = false;
    socket.onopen = () => open = true;
    socket.onerror = (event) => words = (event as ErrorEvent).message ?? "";
    socket.onclose = () => this.#end(open ? fromConnection(failing, words, true) : toRefused(failing, words));
    socket.onmessage = ({ data }) => this.#take(data);
  }

  /** Whether nothing can be said on it any more. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Resolves with the reason when it has ended. */
  get over(): Promise<SpeechError> {
    return this.#over.promise;
  }

  /** Gives every event from now on to `listener`, which must not throw. */
  listen(listener: (event: RealtimeEvent) => void): void {
    this.#listener = listener;
  }

  /** Says `event`. A server that doesn't read ends the line. */
  send(event: RealtimeEvent): void {
    if (this.#ended || this.#socket.readyState !== WebSocket.OPEN) return;
    if (this.#socket.bufferedAmount > this.#room) return this.#end(fromRubbish(this.#failing, "does not read"));
    this.#socket.send(JSON.stringify(event));
  }

  /** Says what was said on another line before: it comes all at once, which no server reads as fast. */
  resume(say: () => void): void {
    this.#room = Infinity;
    say();
    this.#room = this.#socket.bufferedAmount + MAX_WAITING;
  }

  /** Ends it. */
  close(): void {
    this.#end(fromConnection(this.#failing, "closed by us", true));
  }

  /** What an `error` event says, without what must not be seen. */
  refusal(event: RealtimeEvent): SpeechError {
    const words = toSafeText(readMessage(event.error), this.#failing.api_key);
    const { name } = this.#failing;
    return new SpeechError(`Speech server "${name}" refused${words === "" ? " what was asked" : `: ${words}`}`, {
      details: { server: name, model: this.#failing.model },
      retryable: false,
    });
  }

  #take(data: unknown): void {
    if (this.#ended) return;
    const event = typeof data === "string" && data.length <= MAX_EVENT ? toEvent(data) : undefined;
    if (event) this.#listener(event);
    else this.#end(fromRubbish(this.#failing, "sent what is no event"));
  }

  #end(reason: SpeechError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#socket.close();
    this.#over.resolve(reason);
  }
}

function toEvent(text: string): RealtimeEvent | undefined {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" && value !== null && typeof value.type === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Why there is no connection. The words name the address, which stays in the cause. */
function toRefused(failing: Failing, words: string): SpeechError {
  const { name, model, api_key } = failing;
  const status = /status(?: code)?:?\s*(\d{3})/i.exec(words)?.[1];
  if (status === undefined) return fromConnection(failing, words, false);
  const why = status === "401" || status === "403"
    ? api_key === "" ? "wants an API key: none is set" : "refused the API key: check its setting"
    : "refused the connection";
  const details = { server: name, model, status: Number(status) };
  return new SpeechError(`Speech server "${name}" ${why} (status ${status})`, { details, retryable: true });
}
