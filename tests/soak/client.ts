/**
 * Somebody who uses the server and looks closely at what comes back.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { isFinal } from "../../src/domain/event.ts";
import { readError } from "../support/errors.ts";
import { type Frame, streamFrames } from "../support/events.ts";
import type { Step } from "../support/provider.ts";
import type { Random } from "../support/random.ts";

/** Options of a request. */
export interface AskOptions {
  body?: unknown;
  /** What has to come; any other status is a wrong answer. */
  status?: number;
  headers?: Record<string, string>;
  /** Another key than the user's; null: none. */
  key?: string | null;
  /** Closes the connection. */
  signal?: AbortSignal;
}

/** What the scripted provider is told to do: it does what the last message of a conversation says. */
export function toMessage(step: Step): string {
  return JSON.stringify(step);
}

/** See {@linkcode toMessage}. */
export function toStep(message: string): Step {
  return JSON.parse(message);
}

/** What a {@linkcode Client} needs. */
export interface ClientOptions {
  url: string;
  random: Random;
  /** The keys of the server. */
  keys: { user: string; admin: string };
  /** The connections, which end with it. */
  connections: Deno.HttpClient;
}

/** One client. */
export class Client {
  readonly url: string;
  readonly random: Random;
  readonly keys: { user: string; admin: string };
  /** Requests so far. */
  requests = 0;
  readonly #connections: Deno.HttpClient;

  constructor({ url, random, keys, connections }: ClientOptions) {
    this.url = url;
    this.random = random;
    this.keys = keys;
    this.#connections = connections;
  }

  /** Sends a request; a body that is text or bytes goes as it is. */
  async send(
    method: string,
    path: string,
    { body, headers, key = this.keys.user, signal }: AskOptions = {},
  ): Promise<Response> {
    this.requests++;
    const plain = typeof body === "string" || body instanceof Uint8Array;
    return await fetch(`${this.url}${path.startsWith("/health") ? "" : "/api/v1"}${path}`, {
      method,
      client: this.#connections,
      headers: {
        ...key !== null && { authorization: `Bearer ${key}` },
        ...body === undefined ? {} : { "content-type": "application/json" },
        ...headers,
      },
      ...signal && { signal },
      ...body === undefined ? {} : { body: plain ? body as BodyInit : JSON.stringify(body) },
    });
  }

  /** The JSON that answers a request, errors included. */
  // deno-lint-ignore no-explicit-any -- the stories look into answers of every shape
  async ask(method: string, path: string, options: AskOptions = {}): Promise<any> {
    const response = await this.send(method, path, options);
    const text = await response.text();
    assert.equal(response.status, options.status ?? 200, `${method} ${path.slice(0, 200)}: ${text.slice(0, 500)}`);
    if (response.status >= 400) return readError(response.status, text);
    return text === "" ? null : JSON.parse(text);
  }

  /** Opens a stream of events. */
  async open(method: string, path: string, options: AskOptions = {}): Promise<Response> {
    const headers = { accept: "text/event-stream", ...options.headers };
    const response = await this.send(method, path, { ...options, headers });
    if (response.status !== 200) assert.fail(`${method} ${path}: ${response.status} ${await response.text()}`);
    assert.match(response.headers.get("content-type") ?? "", /^text\/event-stream/);
    return response;
  }

  /** Says `step` and opens the stream of what comes. */
  async chat(step: Step, more: Record<string, unknown> = {}): Promise<Response> {
    return await this.open("POST", "/chat/stream", { body: { message: toMessage(step), ...more } });
  }
}

/** What was seen of one run. Every frame has to be the one that follows. */
export class Seen {
  readonly frames: Frame[] = [];

  /** The last event's number. */
  get last(): number {
    return this.frames.length;
  }

  /** The run. */
  get run_id(): string {
    return this.frames[0]!.data.run_id;
  }

  /** The conversation. */
  get conversation_id(): string {
    return this.frames[0]!.data.conversation_id;
  }

  /** The type of the event that ended the run. */
  get end(): string | undefined {
    const type = this.frames.at(-1)?.type;
    return type !== undefined && isFinal(type as Parameters<typeof isFinal>[0]) ? type : undefined;
  }

  /** All text. */
  get text(): string {
    return this.frames.filter(({ type }) => type === "model.delta").map(({ data }) => data.text).join("");
  }

  /** Waits until so many events were seen by `reading`. */
  async until(count: number, reading: Promise<void>): Promise<void> {
    while (this.last < count) {
      if (this.end) assert.fail(`the run ended with ${this.end} after ${this.last} events`);
      await Promise.race([reading, new Promise((resolve) => setTimeout(resolve, 5))]);
    }
  }

  /** Reads on: to the end, or `most` frames, after which the connection is closed. */
  async read(response: Response, most = Infinity): Promise<void> {
    let count = 0;
    // Some read for as long as a soak, and nothing comes.
    for await (const frame of streamFrames(response, { patience_ms: Infinity })) {
      assert.notEqual(frame.type, "error", JSON.stringify(frame.data));
      assert.equal(frame.id, this.last + 1, `${frame.type} after ${this.frames.at(-1)?.type}`);
      assert.equal(this.end, undefined, "something came after the end");
      this.frames.push(frame);
      if (++count >= most) return;
    }
    if (most === Infinity) assert.ok(this.end, `the stream ended after ${this.frames.at(-1)?.type}`);
  }
}
