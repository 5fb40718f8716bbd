/**
 * The only way from a box to the network: a proxy that checks every host.
 *
 * @module
 */
import type { Clock } from "../../kit/clock.ts";
import type { NetJudge } from "./proxy_judge.ts";
import { type ProxyRequest, readProxyRequest } from "./proxy_request.ts";

/** What {@linkcode startProxy} needs. */
export interface ProxyOptions {
  /** Where its socket is made. Whoever can reach it speaks for the program. */
  path: string;
  judge: NetJudge;
  clock: Clock;
}

const MAX_CONNECTIONS = 128;
const MAX_HEAD = 16_384;
const HEAD_MS = 10_000;
const CONNECT_MS = 10_000;
const IDLE_MS = 300_000;
const SWEEP_MS = 5_000;
/** Denials in a row, within {@linkcode REFUSAL_MS} of each other, after which answers take that long. */
const QUICK_REFUSALS = 20;
const REFUSAL_MS = 1_000;

/** Listens until disposed. */
export function startProxy({ path, judge, clock }: ProxyOptions): AsyncDisposable {
  const listener = Deno.listen({ transport: "unix", path });
  const open = new Set<Tunnel>();
  const ended = new AbortController();
  const refusals = { count: 0, last: 0 };
  const sweep = clock.every(SWEEP_MS, () => {
    for (const tunnel of open) if (clock.now() > tunnel.deadline) tunnel.close();
  });
  const refused = () => {
    const now = clock.now();
    refusals.count = now - refusals.last > REFUSAL_MS ? 1 : refusals.count + 1;
    refusals.last = now;
    return refusals.count > QUICK_REFUSALS;
  };
  const accepting = (async () => {
    for await (const conn of listener) {
      if (open.size >= MAX_CONNECTIONS) {
        conn.close();
        continue;
      }
      const tunnel = new Tunnel(conn, { judge, clock, refused, signal: ended.signal });
      open.add(tunnel);
      tunnel.run().finally(() => open.delete(tunnel));
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      sweep[Symbol.dispose]();
      ended.abort();
      listener.close();
      await accepting.catch(() => {});
      for (const tunnel of open) tunnel.close();
    },
  };
}

interface TunnelOptions extends Pick<ProxyOptions, "judge" | "clock"> {
  /** Notes a denial; whether there were too many. */
  refused(): boolean;
  signal: AbortSignal;
}

/** One connection of the program's, and ours on its behalf. */
class Tunnel {
  deadline: number;
  readonly #from: Deno.Conn;
  readonly #options: TunnelOptions;
  #to: Deno.Conn | undefined;
  #closed = false;

  constructor(from: Deno.Conn, options: TunnelOptions) {
    this.#from = from;
    this.#options = options;
    this.deadline = options.clock.now() + HEAD_MS;
  }

  async run(): Promise<void> {
    try {
      await this.#serve();
    } catch {
      // Either side may leave at any time.
    } finally {
      this.close();
    }
  }

  close(): void {
    this.#closed = true;
    for (const conn of [this.#from, this.#to]) {
      try {
        conn?.close();
      } catch {
        // It is closed.
      }
    }
  }

  async #serve(): Promise<void> {
    const { judge, clock, signal, refused } = this.#options;
    const { head, rest } = await readHead(this.#from);
    const request = head === undefined ? undefined : readProxyRequest(head);
    if (request === undefined) return await this.#answer(400, "Cannot read the request to the proxy");
    // The judge has deadlines of its own, and may ask a person.
    this.deadline = Infinity;
    const verdict = await judge.decide(request, signal);
    if ("words" in verdict) {
      this.deadline = clock.now() + HEAD_MS;
      if (refused()) await new Promise<void>((resolve) => clock.after(REFUSAL_MS, resolve));
      return await this.#answer(403, verdict.words);
    }
    this.#to = await connect(verdict.addresses, request.port, signal);
    if (this.#to === undefined) return await this.#answer(502, `Cannot connect to "${request.host}:${request.port}"`);
    if (this.#closed) return this.close();
    await this.#open(request, rest);
    await Promise.all([this.#pipe(this.#from, this.#to), this.#pipe(this.#to, this.#from)]);
  }

  async #open({ forward }: ProxyRequest, rest: Uint8Array): Promise<void> {
    this.deadline = this.#options.clock.now() + IDLE_MS;
    if (forward !== undefined) await writeAll(this.#to!, forward);
    else await writeAll(this.#from, new TextEncoder().encode("HTTP/1.1 200 Connection established\r\n\r\n"));
    await writeAll(this.#to!, rest);
  }

  async #pipe(from: Deno.Conn, to: Deno.Conn): Promise<void> {
    const chunk = new Uint8Array(65_536);
    for (;;) {
      const count = await from.read(chunk);
      if (count === null) return await to.closeWrite();
      this.deadline = this.#options.clock.now() + IDLE_MS;
      await writeAll(to, chunk.subarray(0, count));
    }
  }

  /** The reason is in the first line, too, since of a refused tunnel programs show no more. */
  async #answer(status: number, words: string): Promise<void> {
    const line = words.replaceAll(/[^\x20-\x7e]/g, "?");
    const text = `HTTP/1.1 ${status} ${line}\r\nContent-Type: text/plain\r\nContent-Length: ${line.length + 1}\r\n` +
      `Connection: close\r\n\r\n${line}\n`;
    await writeAll(this.#from, new TextEncoder().encode(text));
    await this.#from.closeWrite();
  }
}

async function writeAll(to: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await to.write(bytes.subarray(at));
}

/** Up to the empty line, and what came after it. */
async function readHead(conn: Deno.Conn): Promise<{ head?: string; rest: Uint8Array }> {
  const buffer = new Uint8Array(MAX_HEAD);
  let length = 0;
  while (length < buffer.length) {
    const count = await conn.read(buffer.subarray(length));
    if (count === null) break;
    // The end may lie across two reads.
    const from = Math.max(0, length - 3);
    length += count;
    const text = String.fromCharCode(...buffer.subarray(from, length));
    const end = text.indexOf("\r\n\r\n");
    if (end < 0) continue;
    const head = new TextDecoder("latin1").decode(buffer.subarray(0, from + end));
    return { head, rest: buffer.slice(from + end + 4, length) };
  }
  return { rest: new Uint8Array() };
}

/** Connects to the first that answers. */
async function connect(
  addresses: readonly string[],
  port: number,
  signal: AbortSignal,
): Promise<Deno.Conn | undefined> {
  for (const hostname of addresses) {
    try {
      return await Deno.connect({ hostname, port, signal: AbortSignal.any([signal, AbortSignal.timeout(CONNECT_MS)]) });
    } catch {
      if (signal.aborted) return;
    }
  }
}
