/**
 * Asks anything that speaks OpenAI's chat completions, without a package between: this is the hot path.
 *
 * @module
 */
import { EventTooLong, SseParser } from "../../kit/sse.ts";
import type { ModelOutput, ModelRequest } from "../../ports/model.ts";
import { toChatBody } from "./chat_body.ts";
import { ChatFrames } from "./chat_frames.ts";
import { fromConnection, fromResponse, ProviderError } from "./provider_error.ts";
import type { Source, Target } from "./source.ts";

/** How long the rest of a finished answer may take before its connection is given up instead of kept for the next. */
const DRAIN_MS = 1000;

/** Bytes read at once. One buffer serves a whole answer: a new one for every token is most of what a token costs. */
const BUFFER = 16_384;

class ChatSource implements Source {
  readonly #target: Target;
  readonly #reader: ReadableStreamBYOBReader;
  readonly #frames: ChatFrames;
  readonly #parser: SseParser | null;
  readonly #decoder = new TextDecoder();
  readonly #signal: AbortSignal;
  #buffer = new ArrayBuffer(BUFFER);
  #json = "";
  #ended = false;
  #failure: unknown = null;

  constructor(target: Target, reader: ReadableStreamBYOBReader, plain: boolean, signal: AbortSignal) {
    this.#target = target;
    this.#reader = reader;
    this.#signal = signal;
    // What fetch was given may be forgotten once it has answered, and then a wait for the next bytes would not end.
    signal.addEventListener("abort", () => reader.cancel(signal.reason).catch(() => {}), { once: true });
    this.#frames = new ChatFrames(target);
    this.#parser = plain ? null : new SseParser((data) => {
      if (!this.#frames.done) this.#frames.accept(data);
    });
  }

  async pull(): Promise<ModelOutput[] | null> {
    if (this.#failure) throw this.#failure;
    if (this.#ended) return null;
    try {
      for (;;) {
        const chunk = await this.#read();
        if (chunk === null) return this.#finish();
        if (this.#parser) this.#parser.push(chunk);
        else this.#collect(chunk);
        if (this.#frames.done) {
          this.#drain();
          return this.#finish();
        }
        const out = this.#frames.take();
        if (out.length > 0) return out;
      }
    } catch (error) {
      this.#reader.cancel().catch(() => {});
      const failure = error instanceof EventTooLong ? this.#tooLong(error) : error;
      // What came before the failure in the same bytes is not lost.
      const out = this.#frames.take();
      if (out.length === 0) throw failure;
      this.#failure = failure;
      return out;
    }
  }

  async #read(): Promise<Uint8Array | null> {
    try {
      return await this.#next();
    } catch (error) {
      if (this.#signal.aborted) throw this.#signal.reason;
      // A server that resets the connection after its last word has said all.
      if (this.#frames.finished) return null;
      throw fromConnection(this.#target, error, true);
    }
  }

  /** The next bytes, good until they are asked for again; null at the end. */
  async #next(): Promise<Uint8Array | null> {
    const { done, value } = await this.#reader.read(new Uint8Array(this.#buffer));
    this.#signal.throwIfAborted();
    if (value) this.#buffer = value.buffer;
    return done ? null : value;
  }

  #finish(): ModelOutput[] {
    this.#ended = true;
    if (!this.#parser) this.#frames.accept(this.#json);
    try {
      this.#parser?.end();
    } catch (error) {
      // Half a frame at the end means that the answer was cut, which is said next.
      if (!(error instanceof Error && error.cause instanceof SyntaxError)) throw error;
    }
    return this.#frames.end();
  }

  /** A server that does not stream answers with one document. */
  #collect(chunk: Uint8Array): void {
    this.#json += this.#decoder.decode(chunk, { stream: true });
    if (this.#json.length > 4 * 1024 * 1024) throw this.#tooLong();
  }

  #tooLong(cause?: unknown): ProviderError {
    const { provider, model } = this.#target;
    return new ProviderError(`Provider "${provider}" sent more than 4 MB at once`, {
      cause,
      details: { provider, model },
      retryable: false,
    });
  }

  /** Reads to the end, so that the connection can be used again. Nobody waits for it. */
  #drain(): void {
    const timer = setTimeout(() => this.#reader.cancel().catch(() => {}), DRAIN_MS);
    Deno.unrefTimer(timer);
    const rest = async () => {
      while (await this.#next());
    };
    rest().catch(() => {}).finally(() => clearTimeout(timer));
  }
}

function toHeaders({ api_key, headers }: Target): Record<string, string> {
  return {
    "content-type": "application/json",
    accept: "text/event-stream",
    // A local server without a key must not be sent an empty one.
    ...api_key && { authorization: `Bearer ${api_key}` },
    ...headers,
  };
}

/** See {@linkcode OpenSource}. */
export async function openChat(target: Target, request: ModelRequest, signal: AbortSignal): Promise<Source> {
  let response: Response;
  try {
    response = await fetch(`${target.base_url}/chat/completions`, {
      method: "POST",
      headers: toHeaders(target),
      body: toChatBody(target, request),
      // A redirect could carry the key to another host.
      redirect: "error",
      signal,
    });
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw fromConnection(target, error, false);
  }
  if (!response.ok || !response.body) throw await fromResponse(target, response, Date.now());
  const plain = response.headers.get("content-type")?.startsWith("application/json") ?? false;
  return new ChatSource(target, response.body.getReader({ mode: "byob" }), plain, signal);
}
