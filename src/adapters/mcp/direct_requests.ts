/**
 * Requests beside the SDK's client, on its own channel.
 *
 * The client validates each answer against a schema; on the way of a tool call
 * that costs more than all the rest. So requests of ours have identifiers of
 * their own kind and their answers are taken off before the client sees them.
 * Everything else passes through.
 *
 * @module
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { JSONRPCMessage, Transport, TransportSendOptions } from "@modelcontextprotocol/client";
import type { Clock } from "../../kit/clock.ts";
import type { Progress } from "../../ports/mcp_client.ts";
import { ChannelEnded } from "./ending.ts";
import type { FloodGate } from "./flood.ts";
import { AnswerMissing, RequestRefused } from "./request_errors.ts";
import { RequestTime, type TimeLimits } from "./request_time.ts";
import type { Silence } from "./silence.ts";

/** Options for {@linkcode DirectRequests.request}. */
export interface RequestOptions extends TimeLimits {
  signal: AbortSignal;
  onProgress?: ((progress: Progress) => void) | undefined;
  /** The call that it is, of a tool. */
  tool_call_id?: string | undefined;
}

interface Pending {
  resolve(result: unknown): void;
  reject(error: unknown): void;
  onProgress: ((progress: Progress) => void) | undefined;
  time: RequestTime;
}

/** What a message may hold, before anything is known of it. */
interface Loose {
  id?: unknown;
  method?: unknown;
  result?: unknown;
  error?: { code?: unknown; message?: unknown; data?: unknown };
  params?: ProgressFields & { progressToken?: unknown };
}

interface ProgressFields {
  progress?: unknown;
  total?: unknown;
  message?: unknown;
}

/** How far a call is, if that is what a server said. */
export function toProgress({ progress, total, message }: ProgressFields): Progress | undefined {
  if (typeof progress !== "number") return undefined;
  return {
    progress,
    ...typeof total === "number" && { total },
    ...typeof message === "string" && { message },
  };
}

/** Parts of {@linkcode DirectRequests}. */
export interface DirectRequestsDeps {
  clock: Clock;
  flood: FloodGate;
  /** Times during which the server waits for us, which don't count. */
  silence: Silence;
}

/** A channel for the SDK's client, and for requests of ours. */
export class DirectRequests implements Transport {
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
  onmessage?: ((message: JSONRPCMessage) => void) | undefined;
  /** Told of the tasks whose state is another now, in the older era. */
  onTaskStatus?: ((params: unknown) => void) | undefined;
  /** What every request says of us in its `_meta`, in the newer era. */
  envelope: Record<string, unknown> | undefined;
  readonly #inner: Transport;
  readonly #deps: DirectRequestsDeps;
  readonly #pending = new Map<string, Pending>();
  /** Whoever hears of progress beyond the answer of a request, by token. */
  readonly #hearers = new Map<string, (progress: Progress) => void>();
  /** The call on whose stream a message comes: the transport reads each in the context of its request. */
  readonly #stream = new AsyncLocalStorage<string>();
  #next = 0;
  #lastError: Error | undefined;

  constructor(inner: Transport, deps: DirectRequestsDeps) {
    this.#inner = inner;
    this.#deps = deps;
    // The SDK knows a local pipe by these two.
    if ("stderr" in inner) Object.assign(this, { stderr: null, pid: (inner as { pid?: number }).pid });
    if (inner.setProtocolVersion) this.setProtocolVersion = (version) => inner.setProtocolVersion?.(version);
  }

  setProtocolVersion?: (version: string) => void;

  get hasPerRequestStream(): boolean {
    return this.#inner.hasPerRequestStream === true;
  }

  get sessionId(): string | undefined {
    return this.#inner.sessionId;
  }

  /** How many requests wait for their answers. */
  get size(): number {
    return this.#pending.size;
  }

  start(): Promise<void> {
    this.#inner.onmessage = (message) => this.#take(message);
    this.#inner.onerror = (error) => {
      this.#lastError = error;
      this.onerror?.(error);
    };
    this.#inner.onclose = () => {
      this.#rejectAll();
      this.onclose?.();
    };
    return this.#inner.start();
  }

  /** For whoever handles a request of the server: the call on whose stream it came, over or not. */
  get askedIn(): string | undefined {
    return this.#stream.getStore();
  }

  send(message: JSONRPCMessage, options?: TransportSendOptions): Promise<void> {
    return this.#inner.send(message, options);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  /** Has `onProgress` told what comes under the `token` that is given, until disposed: a task outlives its request. */
  hear(onProgress: (progress: Progress) => void): { token: string } & Disposable {
    const token = `muxi-${this.#next++}`;
    this.#hearers.set(token, onProgress);
    return { token, [Symbol.dispose]: () => void this.#hearers.delete(token) };
  }

  /** Sends a request and gives its result as it came. Rejects with the signal's reason, or what the channel throws. */
  async request(method: string, params: Record<string, unknown>, options: RequestOptions): Promise<unknown> {
    const { signal } = options;
    signal.throwIfAborted();
    const id = `muxi-${this.#next++}`;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const time = new RequestTime(options, { ...this.#deps, onOver: reject });
    this.#pending.set(id, { resolve, reject, onProgress: options.onProgress, time });
    const stream = this.hasPerRequestStream ? new AbortController() : undefined;
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    let answered = false;
    try {
      const message = { jsonrpc: "2.0", id, method, params: this.#toParams(id, params) } as JSONRPCMessage;
      const send = () =>
        this.#inner.send(message, {
          ...stream && { requestSignal: stream.signal },
          onRequestStreamEnd: () => reject(new AnswerMissing(this.#lastError)),
        });
      const { tool_call_id } = options;
      // In the newer era a server asks by its answer.
      const isStream = tool_call_id !== undefined && this.hasPerRequestStream && !this.envelope;
      (isStream ? this.#stream.run(tool_call_id, send) : send()).catch(reject);
      const result = await promise;
      answered = true;
      return result;
    } catch (error) {
      answered = error instanceof RequestRefused || error instanceof AnswerMissing;
      throw error;
    } finally {
      time[Symbol.dispose]();
      this.#pending.delete(id);
      signal.removeEventListener("abort", onAbort);
      if (!answered) this.#cancel(id, stream);
    }
  }

  #toParams(id: string, params: Record<string, unknown>): Record<string, unknown> {
    return { ...params, _meta: { ...this.envelope, progressToken: id, ...params._meta as Record<string, unknown> } };
  }

  /** Tells the server that nobody waits any more, in the way of its era. */
  #cancel(id: string, stream: AbortController | undefined): void {
    // In the newer era closing the stream of a request is what cancels it.
    if (stream && this.envelope) return stream.abort();
    const message = {
      jsonrpc: "2.0",
      method: "notifications/cancelled",
      params: { requestId: id, ...this.envelope && { _meta: this.envelope } },
    };
    this.#inner.send(message as JSONRPCMessage).catch(() => {}).finally(() => stream?.abort());
  }

  #take(message: JSONRPCMessage): void {
    const { id, method, result, error, params } = message as Loose;
    if (method === undefined && typeof id === "string") {
      const pending = this.#pending.get(id);
      if (pending) {
        if (result !== undefined) return pending.resolve(result);
        return pending.reject(error === undefined ? new AnswerMissing() : RequestRefused.from(error));
      }
    }
    if (!this.#deps.flood.pass()) return;
    // An answer that comes after its request was given up.
    if (method === undefined && typeof id === "string" && id.startsWith("muxi-")) return;
    if (method === "notifications/progress") {
      const pending = this.#pending.get(params?.progressToken as string);
      if (pending) return this.#progress(pending, params!);
      const onProgress = this.#hearers.get(params?.progressToken as string);
      const progress = onProgress && toProgress(params!);
      if (onProgress) return void (progress && onProgress(progress));
    }
    if (method === "notifications/tasks/status") return this.onTaskStatus?.(params);
    this.onmessage?.(message);
  }

  #progress(pending: Pending, params: ProgressFields): void {
    pending.time.hear();
    const progress = toProgress(params);
    if (progress) pending.onProgress?.(progress);
  }

  /** Why the channel is over, as far as it says. */
  get ending(): ChannelEnded {
    const { ending } = this.#inner as { ending?: ChannelEnded };
    return ending ?? new ChannelEnded("The connection was closed", { cause: this.#lastError });
  }

  #rejectAll(): void {
    for (const pending of this.#pending.values()) pending.reject(this.ending);
  }
}
