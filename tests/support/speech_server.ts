/**
 * A speech server that speaks OpenAI's protocol on the loopback interface: `/v1/audio/transcriptions`,
 * `/v1/audio/speech`, `/v1/models`. It speaks by espeak-ng and hears by pocketsphinx; or, to measure what is not the
 * engines' time, answers at once with what was made before.
 *
 * As a program: `deno run -A tests/support/speech_server.ts --instant` prints `{"url":"…"}`.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { writeGrammar } from "./speech.ts";
import { Waiting } from "./waiting.ts";

/** What goes wrong with the next answers. */
export interface SpeechFault {
  /** A status other than 200 refuses the request. */
  status?: number;
  headers?: Record<string, string>;
  /** The message of a refusal. */
  error?: string;
  /** Milliseconds before the headers; `true`: they never come. */
  hang_headers?: number | true;
  /** After the first bytes nothing comes any more. */
  hang?: boolean;
  /** Instead of the answer, with its content type. */
  raw?: { type: string; body: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> };
  /** Sound or events without end. */
  endless?: boolean;
  /** The connection breaks after the first bytes. */
  die?: boolean;
  /** For how many requests; default: all. */
  times?: number;
}

/** A request the server received. */
export interface SpeechRequest {
  path: string;
  /** The client's port: requests that share it share a connection. */
  port: number;
  headers: Record<string, string>;
  /** The fields of the form or the JSON, without the file. */
  fields: Record<string, unknown>;
  /** The file of a transcription. */
  file: Uint8Array<ArrayBuffer> | null;
  /** Whether the client closed before the answer was complete. */
  closed: boolean;
}

/** Options for {@linkcode startSpeechServer}. */
export interface SpeechServerOptions {
  port?: number;
  /** Answers at once: this text, and half a second of a tone for each request to speak. */
  instant?: { text: string };
  /** The sentences it can hear. */
  sentences?: readonly string[];
  api_key?: string;
}

/** A running server. */
export interface SpeechServer extends AsyncDisposable {
  /** The base URL, ending in `/v1`. */
  readonly url: string;
  readonly requests: SpeechRequest[];
  /** Answers under way. */
  readonly active: number;
  /** Changes what goes wrong; without an argument nothing. */
  fault(fault?: SpeechFault): void;
  /** Resolves when no answer is under way. */
  idle(): Promise<void>;
}

const RATE = 24_000;
const encoder = new TextEncoder();

/** Half a second of 440 Hz. */
function makeTone(): Uint8Array<ArrayBuffer> {
  const samples = new Int16Array(RATE / 2);
  for (let i = 0; i < samples.length; i++) samples[i] = Math.round(8000 * Math.sin(2 * Math.PI * 440 * i / RATE));
  return new Uint8Array(samples.buffer);
}

/** What `program` makes of `input`. Converts nothing by code of ours: ffmpeg does. */
async function pipe(input: Uint8Array, program: string, args: string[]): Promise<Uint8Array<ArrayBuffer>> {
  const child = new Deno.Command(program, { args, stdin: "piped", stdout: "piped", stderr: "null" }).spawn();
  const writer = child.stdin.getWriter();
  writer.write(input).then(() => writer.close()).catch(() => {});
  const { success, stdout } = await child.output();
  if (!success) throw new Error(`${program} failed`);
  return stdout;
}

async function speak(text: string, speed: number): Promise<Uint8Array<ArrayBuffer>> {
  const args = ["--stdin", "--stdout", "-v", "en-us", "-s", String(Math.round(175 * speed))];
  const wav = await pipe(encoder.encode(text), "espeak-ng", args);
  return await pipe(wav, "ffmpeg", ["-v", "error", "-i", "-", "-f", "s16le", "-ac", "1", "-ar", String(RATE), "-"]);
}

async function hear(wav: Uint8Array, grammar: string): Promise<string> {
  const raw = await pipe(wav, "ffmpeg", ["-v", "error", "-i", "-", "-f", "s16le", "-ac", "1", "-ar", "16000", "-"]);
  const args = ["-infile", "/dev/stdin", "-jsgf", grammar, "-logfn", "/dev/null"];
  return new TextDecoder().decode(await pipe(raw, "pocketsphinx_continuous", args)).trim();
}

class RealSpeechServer implements SpeechServer {
  readonly requests: SpeechRequest[] = [];
  active = 0;
  readonly #options: SpeechServerOptions;
  readonly #grammar: AsyncDisposable & { path: string };
  readonly #tone = makeTone();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #closing = new AbortController();
  #fault: SpeechFault = {};
  readonly #waiting = new Waiting();

  constructor(options: SpeechServerOptions, grammar: AsyncDisposable & { path: string }) {
    this.#options = options;
    this.#grammar = grammar;
    this.#server = Deno.serve(
      {
        hostname: "127.0.0.1",
        port: options.port ?? 0,
        onListen: () => {},
        onError: () => new Response(null, { status: 500 }),
      },
      (request, { remoteAddr }) => this.#handle(request, remoteAddr.port),
    );
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/v1`;
  }

  fault(fault: SpeechFault = {}): void {
    this.#fault = fault;
  }

  async idle(): Promise<void> {
    await this.#waiting.until("no request", () => this.active === 0, { seen: () => `${this.active} go on` });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#server.shutdown();
    await this.#grammar[Symbol.asyncDispose]();
  }

  async #handle(request: Request, port: number): Promise<Response> {
    const { api_key } = this.#options;
    const path = new URL(request.url).pathname;
    if (api_key !== undefined && request.headers.get("authorization") !== `Bearer ${api_key}`) {
      return refuse(401, `Incorrect API key provided: ${request.headers.get("authorization")}`);
    }
    if (path === "/v1/models") return Response.json({ object: "list", data: [{ id: "speech" }] });
    const entry = await this.#note(request, { path, port });
    const fault = { ...this.#fault };
    if (fault.times !== undefined && --this.#fault.times! <= 0) this.#fault = {};
    if (fault.hang_headers !== undefined) await this.#hang(fault.hang_headers, request.signal);
    if (fault.status !== undefined) return refuse(fault.status, fault.error ?? "Scripted", fault.headers);
    if (fault.raw !== undefined) {
      return new Response(fault.raw.body, { headers: { "content-type": fault.raw.type } });
    }
    if (path === "/v1/audio/speech") return await this.#speech(entry, fault);
    if (path === "/v1/audio/transcriptions") return await this.#transcription(entry, fault);
    return refuse(404, `No such path: ${path}`);
  }

  async #note(request: Request, from: { path: string; port: number }): Promise<SpeechRequest> {
    const headers = Object.fromEntries(request.headers);
    const entry: SpeechRequest = { ...from, headers, fields: {}, file: null, closed: false };
    if (headers["content-type"]?.startsWith("multipart/form-data")) {
      for (const [name, value] of await request.formData()) {
        if (value instanceof File) entry.file = await value.bytes();
        else entry.fields[name] = value;
      }
    } else entry.fields = await request.json();
    this.requests.push(entry);
    return entry;
  }

  async #speech(entry: SpeechRequest, fault: SpeechFault): Promise<Response> {
    const { input, speed = 1 } = entry.fields as { input: string; speed?: number };
    const sound = this.#options.instant === undefined ? await speak(input, speed) : this.#tone;
    // An odd number, as nobody promised to send whole samples.
    const step = 4801;
    const pieces = Array.from(
      { length: Math.ceil(sound.length / step) },
      (_, i) => sound.slice(i * step, (i + 1) * step),
    );
    return new Response(this.#stream(pieces, entry, fault), { headers: { "content-type": "audio/pcm" } });
  }

  async #transcription(entry: SpeechRequest, fault: SpeechFault): Promise<Response> {
    const text = this.#options.instant?.text ?? await hear(entry.file!, this.#grammar.path);
    const usage = { type: "tokens", input_tokens: 1, output_tokens: 1, total_tokens: 2 };
    if (entry.fields.stream !== "true") return Response.json({ text, usage });
    const words = text.split(/(?= )/);
    const frame = (event: Record<string, unknown>) =>
      encoder.encode(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
    const pieces = [
      ...words.map((delta) => frame({ type: "transcript.text.delta", delta })),
      frame({ type: "transcript.text.done", text, usage }),
    ];
    return new Response(this.#stream(pieces, entry, fault), { headers: { "content-type": "text/event-stream" } });
  }

  #stream(pieces: Uint8Array[], entry: SpeechRequest, fault: SpeechFault): ReadableStream<Uint8Array> {
    this.active++;
    const finish = () => {
      this.active--;
      this.#waiting.told();
    };
    let at = 0;
    return new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        if (at > 0 && fault.die) {
          finish();
          return controller.error(new Error("Scripted death"));
        }
        if (at > 0 && fault.hang) await this.#hang(true);
        const piece = fault.endless ? pieces[0] : pieces[at];
        at++;
        if (piece !== undefined && !this.#closing.signal.aborted) return controller.enqueue(piece);
        controller.close();
        finish();
      },
      cancel() {
        entry.closed = true;
        finish();
      },
    }, { highWaterMark: 0 });
  }

  /** Waits, but not longer than the server lives or `signal` lets. */
  async #hang(ms: number | true, signal?: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = ms === true ? undefined : setTimeout(resolve, ms);
    this.#closing.signal.addEventListener("abort", () => resolve(), { once: true });
    signal?.addEventListener("abort", () => resolve(), { once: true });
    await promise;
    clearTimeout(timer);
  }
}

function refuse(status: number, message: string, headers: Record<string, string> = {}): Response {
  return Response.json({ error: { message, type: "scripted_error", code: null } }, { status, headers });
}

/** Starts a server on a free loopback port (or `port`). */
export async function startSpeechServer(options: SpeechServerOptions = {}): Promise<SpeechServer> {
  return new RealSpeechServer(options, await writeGrammar(options.sentences));
}

if (import.meta.main) {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      port: { type: "string", default: "0" },
      instant: { type: "boolean", default: false },
      text: { type: "string", default: "what is the weather in london today" },
    },
  });
  const { port, instant, text } = values;
  const server = await startSpeechServer({ port: Number(port), ...instant && { instant: { text } } });
  Deno.addSignalListener("SIGTERM", async () => {
    await server[Symbol.asyncDispose]();
    Deno.exit(0);
  });
  await Deno.stdout.write(encoder.encode(JSON.stringify({ url: server.url }) + "\n"));
}
