/**
 * A model provider that does what a test tells it: a real HTTP server on the loopback interface that speaks OpenAI's
 * chat completions, streamed or not. Its replies are encoded before they are needed, since benches share its cores.
 *
 * As a program: `deno run -A tests/support/provider.ts --port 0 --tokens 64 --delay 5` prints `{"url":"…"}`.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { type Frames, type Step, toCompletion, toFrames, toTokens } from "./provider_reply.ts";
import { Waiting } from "./waiting.ts";

export type { ScriptedToolCall, ScriptedUsage, Step } from "./provider_reply.ts";

/** A request the provider received, and what became of it. Times are `performance.now()`. */
export interface ProviderRequest {
  method: string;
  path: string;
  /** The client's port: requests that share it share a connection. */
  port: number;
  headers: Record<string, string>;
  // deno-lint-ignore no-explicit-any -- tests look into bodies of every shape
  body: any;
  at: number;
  tokens_sent: number;
  /** Tokens the script had left when the client closed. */
  tokens_unsent: number;
  last_token_at: number | null;
  /** When the whole answer was handed over. */
  done_at: number | null;
  /** When the client closed before that. */
  closed_at: number | null;
  /** Resolves when the answer is done or the client has closed. */
  settled: Promise<void>;
}

/** What answers: one step for all, one after the other (the last for all that follow), or decided per request. */
export type Script = Step | Step[] | ((request: ProviderRequest, index: number) => Step | Promise<Step>);

/** Options for {@linkcode startProvider}. */
export interface ProviderOptions {
  port?: number;
  script?: Script;
  /** What `GET /v1/models` lists, and how an answer is labelled. */
  models?: string[];
  /** A key that requests must carry. */
  api_key?: string;
  /** How many requests the log holds. */
  keep?: number;
}

/** A running provider. */
export interface Provider extends AsyncDisposable {
  /** The base URL, ending in `/v1`. */
  readonly url: string;
  /** Chat requests, oldest first. */
  readonly requests: ProviderRequest[];
  /** Answers being sent now. */
  readonly active: number;
  /** Tokens sent to all. */
  readonly tokens: number;
  /** How many chat requests have come, also when the log no longer holds them. */
  readonly count: number;
  /** Changes what answers, from the next request on. */
  script(script: Script): void;
  /** Resolves with request number `index` of the log once it has come. */
  received(index?: number): Promise<ProviderRequest>;
}

const encoder = new TextEncoder();

const SSE_HEADERS = { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" };

function join(parts: Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** The writes of a step that is sent as fast as possible. */
function toWrites({ head, tokens, tail }: Frames, chunks: number): Uint8Array[] {
  const parts = [...(head ? [head] : []), ...tokens, tail];
  const size = Math.ceil(parts.length / chunks);
  return Array.from({ length: Math.ceil(parts.length / size) }, (_, i) => join(parts.slice(i * size, (i + 1) * size)));
}

function sleep(ms: number | null, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = ms === null ? undefined : setTimeout(() => stop(), ms);
  const stop = () => {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
    resolve();
  };
  signal.addEventListener("abort", stop);
  return promise;
}

function fail(status: number, message: string, headers: Record<string, string> = {}): Response {
  return Response.json({ error: { message, type: "scripted_error", code: null } }, { status, headers });
}

class ScriptedProvider implements Provider {
  readonly requests: ProviderRequest[] = [];
  active = 0;
  tokens = 0;
  count = 0;
  #script: Script;
  readonly #models: string[];
  readonly #apiKey: string | undefined;
  readonly #keep: number;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #frames = new WeakMap<Step, { key: string; frames: Frames; writes: Uint8Array[] }>();
  readonly #open = new Set<AbortController>();
  #closing = false;
  readonly #waiting = new Waiting();

  constructor({ port = 0, script = {}, models = ["scripted"], api_key, keep = 10_000 }: ProviderOptions) {
    this.#script = script;
    this.#models = models;
    this.#apiKey = api_key;
    this.#keep = keep;
    this.#server = Deno.serve(
      // Without a handler for them Deno writes broken connections to the console.
      { hostname: "127.0.0.1", port, onListen: () => {}, onError: () => new Response(null, { status: 500 }) },
      (request, { remoteAddr }) => this.#handle(request, remoteAddr.port),
    );
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/v1`;
  }

  script(script: Script): void {
    this.#script = script;
  }

  received(index = 0): Promise<ProviderRequest> {
    const seen = () => `${this.requests.length} requests`;
    return this.#waiting.until(`request number ${index} of the provider`, () => this.requests[index], { seen });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true;
    for (const controller of this.#open) controller.abort();
    await this.#server.shutdown();
  }

  async #handle(request: Request, remotePort: number): Promise<Response> {
    const path = request.url.slice(request.url.indexOf("/", 8));
    if (this.#apiKey && request.headers.get("authorization") !== `Bearer ${this.#apiKey}`) {
      return fail(401, `Incorrect API key provided: ${request.headers.get("authorization") ?? "none"}`);
    }
    if (request.method === "GET") return this.#list(path);
    if (path.startsWith("/v1/embeddings")) return this.#embed(await request.json());
    const settled = Promise.withResolvers<void>();
    const entry: ProviderRequest = {
      method: request.method,
      path,
      port: remotePort,
      headers: Object.fromEntries(request.headers),
      body: await request.json().catch(() => null),
      at: performance.now(),
      tokens_sent: 0,
      tokens_unsent: 0,
      last_token_at: null,
      done_at: null,
      closed_at: null,
      settled: settled.promise,
    };
    const index = this.count++;
    this.requests.push(entry);
    if (this.requests.length > this.#keep) this.requests.shift();
    this.#waiting.told();
    const script = this.#script;
    const step = typeof script === "function"
      ? await script(entry, index)
      : Array.isArray(script)
      ? script[Math.min(index, script.length - 1)] ?? {}
      : script;
    if (step.hang_headers) await sleep(step.hang_headers, request.signal);
    if (step.status && step.status !== 200) {
      settled.resolve();
      return fail(step.status, step.error ?? `Scripted status ${step.status}`, step.headers);
    }
    if (entry.body?.stream !== true && !step.raw) {
      entry.tokens_sent = toTokens(step).length;
      this.tokens += entry.tokens_sent;
      entry.done_at = performance.now();
      settled.resolve();
      return Response.json(toCompletion(step, entry.body?.model ?? this.#models[0]), { headers: step.headers ?? {} });
    }
    return new Response(this.#stream(step, entry, settled.resolve), { headers: { ...SSE_HEADERS, ...step.headers } });
  }

  #list(path: string): Response {
    if (path === "/api/tags") return Response.json({ models: this.#models.map((name) => ({ name, model: name })) });
    return Response.json({ object: "list", data: this.#models.map((id) => ({ id, object: "model" })) });
  }

  /** Vectors that are near each other when texts share words. */
  #embed(
    { input, model, dimensions = 64 }: { input: string | string[]; model: string; dimensions?: number },
  ): Response {
    const data = [input].flat().map((text, index) => {
      const embedding = new Array<number>(dimensions).fill(0);
      for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) {
        let hash = 2166136261;
        for (let i = 0; i < word.length; i++) hash = Math.imul(hash ^ word.charCodeAt(i), 16777619);
        embedding[(hash >>> 0) % dimensions]! += 1;
      }
      const length = Math.hypot(...embedding) || 1;
      return { object: "embedding", index, embedding: embedding.map((value) => value / length) };
    });
    return Response.json({ object: "list", model, data, usage: { prompt_tokens: 1, total_tokens: 1 } });
  }

  #prepare(step: Step, model: string, withUsage: boolean) {
    const key = `${withUsage} ${model}`;
    const known = this.#frames.get(step);
    if (known?.key === key) return known;
    const frames = toFrames(step, model, withUsage);
    const made = { key, frames, writes: toWrites(frames, step.chunks ?? 1) };
    this.#frames.set(step, made);
    return made;
  }

  #stream(step: Step, entry: ProviderRequest, settle: () => void): ReadableStream<Uint8Array> {
    const { frames, writes } = this.#prepare(
      step,
      entry.body?.model ?? this.#models[0]!,
      entry.body?.stream_options?.include_usage === true,
    );
    const gone = new AbortController();
    this.#open.add(gone);
    const finish = () => {
      this.active--;
      this.#open.delete(gone);
      settle();
    };
    this.active++;
    const count = (tokens: number) => {
      entry.tokens_sent += tokens;
      this.tokens += tokens;
      if (tokens > 0) entry.last_token_at = performance.now();
    };
    const send = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
      if (step.hang) await sleep(step.hang === true ? null : step.hang, gone.signal);
      const limit = step.die_after ?? step.end_after;
      if (gone.signal.aborted) return;
      if (step.raw) {
        for (const part of step.raw) {
          controller.enqueue(typeof part === "string" ? encoder.encode(part) : part);
          if (step.raw.length > 1) await sleep(step.delay ?? 0, gone.signal);
          if (gone.signal.aborted) return;
        }
      } else if (!step.delay && limit === undefined) {
        for (const [i, part] of writes.entries()) {
          if (i > 0) await sleep(0, gone.signal);
          if (gone.signal.aborted) return;
          controller.enqueue(part);
        }
        count(frames.tokens.length);
      } else {
        if (frames.head) controller.enqueue(frames.head);
        for (const frame of frames.tokens.slice(0, limit)) {
          controller.enqueue(frame);
          count(1);
          await sleep(step.delay ?? 0, gone.signal);
          if (gone.signal.aborted) return;
        }
        if (limit === undefined) controller.enqueue(frames.tail);
      }
      if (step.die_after !== undefined) controller.error(new Error("Scripted death"));
      else controller.close();
      entry.done_at = performance.now();
    };
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        send(controller).catch(() => {}).then(() => {
          // The server is going away while this answer hangs: its connection must not keep it.
          if (this.#closing && entry.done_at === null && entry.closed_at === null) {
            controller.error(new Error("Scripted death"));
          }
          finish();
        });
      },
      cancel: () => {
        if (entry.done_at === null) {
          entry.closed_at = performance.now();
          entry.tokens_unsent = frames.tokens.length - entry.tokens_sent;
        }
        gone.abort();
      },
    }, { highWaterMark: 1024 });
  }
}

/** Starts a provider on a free loopback port (or `port`). */
export async function startProvider(options: ProviderOptions = {}): Promise<Provider> {
  return new ScriptedProvider(options);
}

if (import.meta.main) {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      port: { type: "string", default: "0" },
      tokens: { type: "string", default: "64" },
      delay: { type: "string", default: "0" },
      chunks: { type: "string", default: "1" },
      hang: { type: "string", default: "0" },
    },
  });
  const { tokens, delay, chunks, hang } = values;
  const provider = await startProvider({
    port: Number(values.port),
    script: { tokens: Number(tokens), delay: Number(delay), chunks: Number(chunks), hang: Number(hang) },
    keep: 100,
  });
  await Deno.stdout.write(encoder.encode(JSON.stringify({ url: provider.url }) + "\n"));
}
