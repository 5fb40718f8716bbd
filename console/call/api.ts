/**
 * The server's HTTP interface, as far as a call needs it.
 *
 * @module
 */
/** Who asks: a key, or a function that gets a ticket for each request from a server of your own. */
export interface Credentials {
  key?: string;
  ticket?: () => Promise<string>;
  /** The person for whom the key acts. */
  user_id?: string;
}

/** Options of a {@linkcode CallError}. */
export interface CallErrorOptions extends ErrorOptions {
  error: string;
  status: number;
  retry_after?: number | undefined;
}

/** What the server refused, or that it couldn't be reached (`status` 0). */
export class CallError extends Error {
  /** The class of the error, such as `UnauthorizedError`. */
  readonly error: string;
  readonly status: number;
  /** After how many seconds trying again makes sense, where the server said so. */
  readonly retry_after: number | undefined;

  constructor(message: string, { error, status, retry_after, cause }: CallErrorOptions) {
    super(message, { cause });
    this.name = "CallError";
    this.error = error;
    this.status = status;
    this.retry_after = retry_after;
  }
}

/** Options of one request. */
export interface AskOptions {
  body?: unknown;
  headers?: Readonly<Record<string, string>>;
  signal?: AbortSignal;
  /** Whether it goes on when the page is left. */
  keepalive?: boolean;
}

/** How long an answer may take to begin. */
const ANSWER_MS = 20_000;

/** Sends requests. Every method rejects with {@linkcode CallError}, or with the signal's reason. */
export class Api {
  readonly #base: string;
  readonly #credentials: Credentials;

  constructor({ base_url, ...credentials }: { base_url: string } & Credentials) {
    this.#base = base_url.replace(/\/$/, "");
    this.#credentials = credentials;
  }

  /** The JSON of an answer; undefined when there is none. */
  async ask<Answer = unknown>(method: string, path: string, options: AskOptions = {}): Promise<Answer> {
    const response = await this.send(method, path, options);
    return response.status === 204 ? undefined as Answer : await response.json();
  }

  /** An answer that succeeded. */
  async send(method: string, path: string, { body, headers, signal, keepalive }: AskOptions = {}): Promise<Response> {
    const url = new URL(`${this.#base}/api/v1${path}`, location.href);
    const { key, ticket } = this.#credentials;
    if (ticket !== undefined) url.searchParams.set("ticket", await ticket());
    const sent = this.#withUser(url, body);
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), ANSWER_MS);
    try {
      const response = await fetch(url, {
        method,
        headers: {
          ...key !== undefined && { authorization: `Bearer ${key}` },
          ...body !== undefined && { "content-type": "application/json" },
          ...headers,
        },
        ...sent !== undefined && { body: JSON.stringify(sent) },
        ...keepalive === true && { keepalive },
        signal: signal ? AbortSignal.any([signal, late.signal]) : late.signal,
      });
      if (!response.ok) throw await toError(response);
      return response;
    } catch (cause) {
      if (cause instanceof CallError) throw cause;
      signal?.throwIfAborted();
      throw new CallError("Cannot reach the server", { error: "UnreachableError", status: 0, cause });
    } finally {
      clearTimeout(timer);
    }
  }

  /** A WebSocket at `path`. */
  async connect(
    path: string,
    query: Readonly<Record<string, string>>,
    { signal }: { signal: AbortSignal },
  ): Promise<WebSocket> {
    const url = new URL(`${this.#base}/api/v1${path}`, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    this.#withUser(url, undefined);
    url.searchParams.set("ticket", await this.#ticket(signal));
    return new WebSocket(url);
  }

  /** An address below the prefix that needs no key, for an hour. */
  async ticketed(path: string): Promise<string> {
    const url = new URL(`${this.#base}/api/v1${path}`, location.href);
    url.searchParams.set("ticket", (await this.ask<{ ticket: string }>("POST", "/tickets", { body: { path } })).ticket);
    return url.href;
  }

  /** What is sent, with the person in it; where nothing is, the person goes into the address. */
  #withUser(url: URL, body: unknown): unknown {
    const { user_id } = this.#credentials;
    if (user_id === undefined) return body;
    if (body !== undefined) return { ...body as Record<string, unknown>, user_id };
    url.searchParams.set("user_id", user_id);
  }

  /** WebSockets can't carry a key. */
  async #ticket(signal: AbortSignal): Promise<string> {
    if (this.#credentials.ticket !== undefined) return await this.#credentials.ticket();
    return (await this.ask<{ ticket: string }>("POST", "/tickets", { body: {}, signal })).ticket;
  }
}

async function toError(response: Response): Promise<CallError> {
  const { status, headers } = response;
  const retry_after = Number(headers.get("retry-after")) || undefined;
  try {
    const { error, message } = await response.json() as { error: string; message: string };
    return new CallError(message, { error, status, retry_after });
  } catch (cause) {
    return new CallError(`The server answered ${status}`, { error: "InternalError", status, retry_after, cause });
  }
}
