/**
 * A server that speaks OpenAI's Realtime protocol on the loopback interface, over real WebSockets. It keeps one
 * conversation per connection as OpenAI does, and refuses what OpenAI refuses. What it hears and says is the test's.
 *
 * @module
 */
import { RealtimeTalk } from "./realtime_talk.ts";

/** An answer. */
export interface RealtimeStep {
  text?: string;
  tool_calls?: { name: string; arguments: Record<string, unknown> }[];
  /** The answer fails in the middle, for this reason. */
  fail?: string;
  /** Nothing more comes after so many words. */
  hang_after?: number;
  /** The connection breaks after so many words. */
  die_after?: number;
  /** Between two words. */
  word_ms?: number;
  /** Instead of the rest, after so many words. */
  garbage_after?: number;
}

/** Options for {@linkcode startRealtimeProvider}. */
export interface RealtimeProviderOptions {
  api_key?: string;
  /** One after the other, the last for all that follow. */
  script?: RealtimeStep[];
  /** What is understood of sound at 24,000 samples a second. */
  hear?: (sound: Int16Array) => Promise<string>;
  /** The sound of a word or a text; absent: 20 ms of a tone for each letter. */
  speak?: (text: string) => Promise<Int16Array>;
}

/** What goes wrong with connections that begin. */
export type LineFault = { status: number } | "silent" | "garbage" | "die" | "brief";

/** What the server knew when it was asked for an answer. */
export interface RealtimeAsked {
  // deno-lint-ignore no-explicit-any -- tests look into items of every shape
  items: any[];
  // deno-lint-ignore no-explicit-any -- as above
  session: any;
  // deno-lint-ignore no-explicit-any -- as above
  response: any;
  /** The number of its connection. */
  line: number;
}

/** See the module. */
export class RealtimeProvider implements AsyncDisposable {
  readonly asked: RealtimeAsked[] = [];
  /** Every event of the clients, in order. */
  // deno-lint-ignore no-explicit-any -- tests look into events of every shape
  readonly said: any[] = [];
  readonly authorizations: (string | null)[] = [];
  readonly talks: RealtimeTalk[] = [];
  fault: LineFault | undefined;
  readonly options: RealtimeProviderOptions;
  #script: RealtimeStep[];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(options: RealtimeProviderOptions) {
    this.options = options;
    this.#script = [...options.script ?? [{ text: "Hello." }]];
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {}, onError: () => new Response(null, { status: 500 }) },
      (request) => this.#take(request),
    );
  }

  /** The base URL, ending in `/v1`. */
  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/v1`;
  }

  /** Connections that are open. */
  get open(): number {
    return this.talks.filter(({ over }) => !over).length;
  }

  /** Changes what is answered from now on. */
  script(...steps: RealtimeStep[]): void {
    this.#script = steps;
  }

  /** The next answer. */
  step(): RealtimeStep {
    return this.#script.length > 1 ? this.#script.shift()! : this.#script[0] ?? {};
  }

  /** Breaks every connection, without a goodbye. */
  kill(): void {
    for (const talk of this.talks) talk.die();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
    await this.#server.shutdown();
  }

  #take(request: Request): Response {
    this.authorizations.push(request.headers.get("authorization"));
    const { api_key } = this.options;
    if (typeof this.fault === "object") return new Response(null, { status: this.fault.status });
    if (api_key !== undefined && request.headers.get("authorization") !== `Bearer ${api_key}`) {
      return Response.json({ error: { message: `Incorrect API key: ${api_key}` } }, { status: 401 });
    }
    const { socket, response } = Deno.upgradeWebSocket(request);
    this.talks.push(new RealtimeTalk(socket, this, { number: this.talks.length, fault: this.fault }));
    return response;
  }
}

/** Starts one. */
export function startRealtimeProvider(options: RealtimeProviderOptions = {}): RealtimeProvider {
  return new RealtimeProvider(options);
}
