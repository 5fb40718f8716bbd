/**
 * Requests to a server of speech that speaks OpenAI's protocol: timed, bounded, tried again, cancelled.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import { type Clock, sleep } from "../../kit/clock.ts";
import { Patience } from "../../kit/patience.ts";
import { type Failing, fromConnection, fromResponse, SpeechError, toCancelled } from "./failure.ts";

/** Where a server is, and how patient we are with it. */
export interface ServerOptions {
  /** Such as `https://api.openai.com/v1`. */
  base_url: string;
  /** Empty where it wants none. */
  api_key: string;
  model: string;
  /** How long it may keep us waiting, all tries together. */
  timeout_ms: number;
  /** How often a request is sent again after a failure that may pass, before anything of its answer came. */
  retries: number;
  clock: Clock;
}

/** An answer that has begun. Disposing it closes its connection. */
export interface Answer extends Disposable {
  /** The type of its content, without parameters, in small letters; empty where none is named. */
  type: string;
  /** What it says; throws `UpstreamError`, `TimeoutError`. */
  pieces(): AsyncGenerator<Uint8Array, void>;
  /** Reads what little is left, so that the connection can be used again. Nobody waits for it. */
  drain(): void;
}

/** What is asked. */
export interface Question {
  /** Below the base URL, such as `audio/speech`. */
  path: string;
  body: BodyInit;
  headers?: Readonly<Record<string, string>>;
  /** The most the answer may say, in bytes. */
  max_answer: number;
}

const BACKOFF_MS = 100;
const CHECK_MS = 3_000;
/** How long the rest of an answer may take that nobody needs. */
const DRAIN_MS = 1_000;
const MAX_DRAINED = 64 * 1024;

/** A server. */
export class SpeechServer {
  readonly #options: ServerOptions;
  readonly #failing: Failing;

  constructor(options: ServerOptions) {
    this.#options = options;
    const { base_url, model, api_key } = options;
    this.#failing = { name: new URL(base_url).host, model, api_key };
  }

  /** Who fails, for errors of those who read its answers. */
  get failing(): Failing {
    return this.#failing;
  }

  /** Asks until the first bytes of an answer are there. */
  async post(question: Question, { signal }: { signal: AbortSignal }): Promise<Answer> {
    const { clock, timeout_ms, retries } = this.#options;
    const late = () =>
      new AppError("TimeoutError", `Speech server "${this.#failing.name}" did not go on within ${timeout_ms} ms`);
    const patience = new Patience({ clock, ms: timeout_ms, signal, late });
    for (let attempt = 0;; attempt++) {
      try {
        signal.throwIfAborted();
        return await this.#ask(question, patience, signal);
      } catch (error) {
        if (signal.aborted) throw toCancelled(signal.reason);
        const pause = attempt < retries ? this.#pauseAfter(error, attempt) : undefined;
        if (pause === undefined) throw error;
        await patience.wait(sleep(clock, pause, signal)).catch((reason) => {
          throw signal.aborted ? toCancelled(signal.reason) : reason;
        });
      }
    }
  }

  /** Whether it can be asked, found out without paying for it. */
  async check(signal: AbortSignal): Promise<{ ok: boolean; detail: string }> {
    const { base_url, model } = this.#options;
    const { name } = this.#failing;
    try {
      const response = await fetch(`${base_url}/models`, {
        headers: this.#headers({}),
        redirect: "error",
        signal: AbortSignal.any([signal, AbortSignal.timeout(CHECK_MS)]),
      });
      const { status } = response;
      await response.body?.cancel();
      // A server may well not list its models; only a refused key or no answer says that it can't be asked.
      const ok = response.ok || status === 404 || status === 405;
      return { ok, detail: `Speech server "${name}" (${model}) ${ok ? "answers" : `refuses: status ${status}`}` };
    } catch {
      return { ok: false, detail: `Speech server "${name}" (${model}) does not answer` };
    }
  }

  #pauseAfter(error: unknown, attempt: number): number | undefined {
    if (!(error instanceof SpeechError) || !error.retryable) return undefined;
    const { retryAfter } = error;
    if (retryAfter !== undefined) return retryAfter * 1000 < this.#options.timeout_ms ? retryAfter * 1000 : undefined;
    return Math.random() * BACKOFF_MS * 2 ** attempt;
  }

  #headers(other: Readonly<Record<string, string>>): Record<string, string> {
    const { api_key } = this.#options;
    // A local server without a key must not be sent an empty one.
    return { ...api_key !== "" && { authorization: `Bearer ${api_key}` }, ...other };
  }

  async #ask(
    { path, body, headers = {}, max_answer }: Question,
    patience: Patience,
    signal: AbortSignal,
  ): Promise<Answer> {
    const failing = this.#failing;
    const stop = new AbortController();
    try {
      const asked = fetch(`${this.#options.base_url}/${path}`, {
        method: "POST",
        headers: this.#headers(headers),
        body,
        // A redirect could carry the key to another host.
        redirect: "error",
        signal: stop.signal,
      }).catch((cause) => {
        throw fromConnection(failing, cause, false);
      });
      const response = await patience.wait(asked);
      if (!response.ok) throw await patience.wait(fromResponse(failing, response));
      const type = (response.headers.get("content-type") ?? "").split(";")[0]!.trim().toLowerCase();
      const answer = new OpenAnswer(type, {
        response,
        stop,
        patience,
        failing,
        signal,
        max_answer,
        clock: this.#options.clock,
      });
      await answer.begin();
      return answer;
    } catch (error) {
      stop.abort(error);
      throw error;
    }
  }
}

/** What engines at such a server have in common. */
export class ServedEngine {
  protected readonly server: SpeechServer;

  constructor(options: ServerOptions) {
    this.server = new SpeechServer(options);
  }

  /** See `SpeechServer.check`. */
  check(signal: AbortSignal): Promise<{ ok: boolean; detail: string }> {
    return this.server.check(signal);
  }
}

interface OpenOptions {
  response: Response;
  stop: AbortController;
  patience: Patience;
  failing: Failing;
  signal: AbortSignal;
  max_answer: number;
  clock: Clock;
}

class OpenAnswer implements Answer {
  readonly type: string;
  readonly #options: OpenOptions;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #first: Uint8Array | undefined;
  #draining = false;

  constructor(type: string, options: OpenOptions) {
    this.type = type;
    this.#options = options;
    this.#reader = options.response.body?.getReader();
  }

  /** Waits for the first bytes: until then the request can be sent again. */
  async begin(): Promise<void> {
    this.#first = await this.#read();
  }

  async *pieces(): AsyncGenerator<Uint8Array, void> {
    const { failing, max_answer, signal } = this.#options;
    let size = 0;
    try {
      for (let piece = this.#first; piece !== undefined; piece = await this.#read()) {
        size += piece.length;
        if (size > max_answer) {
          throw new SpeechError(`Speech server "${failing.name}" said more than ${max_answer} bytes`, {
            details: { server: failing.name, model: failing.model },
            retryable: false,
          });
        }
        yield piece;
      }
    } catch (error) {
      throw signal.aborted ? toCancelled(signal.reason) : error;
    } finally {
      this[Symbol.dispose]();
    }
  }

  drain(): void {
    this.#draining = true;
    const timer = this.#options.clock.after(DRAIN_MS, () => this.#close());
    let size = 0;
    const rest = async () => {
      while (size < MAX_DRAINED) {
        const read = await this.#reader?.read();
        if (read === undefined || read.done) break;
        size += read.value.length;
      }
    };
    rest().catch(() => {}).finally(() => {
      timer[Symbol.dispose]();
      this.#close();
    });
  }

  [Symbol.dispose](): void {
    if (!this.#draining) this.#close();
  }

  #close(): void {
    // What fetch was given may be forgotten once it has answered, so its reader is told as well.
    this.#reader?.cancel().catch(() => {});
    this.#options.stop.abort(DONE);
  }

  async #read(): Promise<Uint8Array | undefined> {
    const { patience, failing } = this.#options;
    const reading = this.#reader?.read().catch((cause) => {
      throw fromConnection(failing, cause, true);
    });
    return reading === undefined ? undefined : (await patience.wait(reading)).value;
  }
}

/** Why a request is over that nobody needs any more. Made once: an abort without a reason makes one each time. */
const DONE = new DOMException("The answer is over", "AbortError");
