/**
 * A TCP relay on the loopback interface that cuts event streams at exact bytes. It knows where HTTP's headers and SSE's
 * frames end, and nothing else.
 *
 * @module
 */

/** Where to cut the answer to one request. */
export type Cut =
  /** Once the request was passed on, before a byte of the answer. */
  | { at: "request" }
  /** Inside the headers, or right after them. */
  | { at: "headers"; part: number }
  /** After so many whole frames, and a part of the next one. */
  | { at: "inside"; frames: number; part: number }
  /** After so many whole frames. */
  | { at: "between"; frames: number }
  /** After the frame that ends the run. */
  | { at: "end" };

/** What a {@linkcode Cutter} is told. */
export interface CutterOptions {
  /** The server's address; undefined while there is none. */
  url: string | undefined;
  /** Decides about a request by its head. */
  plan(head: string): Cut | undefined;
  /** Told of each cut that was made; a cut whose place the answer never came to is none. */
  onCut(head: string, cut: Cut): void;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("latin1");
const FINAL = /\nevent: run\.(completed|failed|cancelled)\n/;

/** Passes bytes on until it comes to the place of its cut. */
class Gate {
  #cut: Cut;
  #headed = false;
  #frames = 0;
  #held = new Uint8Array();

  constructor(cut: Cut) {
    this.#cut = cut;
  }

  /** What to pass on of `bytes` and what was held before, and whether the place was reached. */
  push(bytes: Uint8Array): { out: Uint8Array[]; reached: boolean } {
    this.#held = concat(this.#held, bytes);
    const out: Uint8Array[] = [];
    for (let end = this.#boundary(); end > 0; end = this.#boundary()) {
      const unit = this.#held.slice(0, end);
      this.#held = this.#held.slice(end);
      const kept = this.#headed ? this.#frame(unit) : this.#headers(unit);
      this.#headed = true;
      out.push(unit.subarray(0, kept ?? unit.length));
      if (kept !== undefined) return { out, reached: true };
    }
    return { out, reached: false };
  }

  /** What is held when the server has said all. */
  rest(): Uint8Array {
    return this.#held;
  }

  #boundary(): number {
    const mark = this.#headed ? "\n\n" : "\r\n\r\n";
    const at = decoder.decode(this.#held).indexOf(mark);
    return at < 0 ? 0 : at + mark.length;
  }

  /** How much to keep of the headers if this is the place. */
  #headers(unit: Uint8Array): number | undefined {
    const cut = this.#cut;
    if (cut.at === "headers") return cut.part >= 1 ? unit.length : Math.floor(unit.length * cut.part);
    return cut.at === "between" && cut.frames === 0 ? unit.length : undefined;
  }

  /** How much to keep of a frame if this is the place. HTTP's own framing stands before it. */
  #frame(unit: Uint8Array): number | undefined {
    const cut = this.#cut;
    const text = decoder.decode(unit);
    const start = text.indexOf("id: ");
    if (start < 0) return undefined;
    const nth = this.#frames++;
    if (cut.at === "inside" && nth === cut.frames) {
      return start + 1 + Math.floor((unit.length - start - 1) * cut.part);
    }
    if (cut.at === "between" && nth === cut.frames - 1) return unit.length;
    return cut.at === "end" && FINAL.test(text) ? unit.length : undefined;
  }
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

async function writeAll(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // It is closed already.
  }
}

/** The relay. */
export class Cutter implements AsyncDisposable {
  /** The server's address. Connections that come while there is none are refused. */
  target: string | undefined;
  readonly #options: CutterOptions;
  readonly #listener: Deno.TcpListener;
  readonly #open = new Set<Deno.TcpConn>();
  readonly #work = new Set<Promise<void>>();

  constructor(options: CutterOptions) {
    this.#options = options;
    this.target = options.url;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.#track(this.#accept());
  }

  /** The relay's own address. */
  get url(): string {
    return `http://127.0.0.1:${(this.#listener.addr as Deno.NetAddr).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#open) close(connection);
    while (this.#work.size > 0) await Promise.all(this.#work);
  }

  #track(work: Promise<void>): void {
    // A connection that breaks is what this is about.
    const tracked: Promise<void> = work.catch(() => {}).finally(() => this.#work.delete(tracked));
    this.#work.add(tracked);
  }

  async #accept(): Promise<void> {
    for await (const connection of this.#listener) this.#track(this.#relay(connection));
  }

  async #relay(client: Deno.TcpConn): Promise<void> {
    using _ = this.#hold(client);
    const { head, rest } = await readHead(client);
    if (this.target === undefined) return;
    const cut = this.#options.plan(head);
    const server = await Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(this.target).port) });
    using __ = this.#hold(server);
    // One request a connection, so that a plan belongs to one answer.
    await writeAll(server, concat(encoder.encode(head.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n")), rest));
    this.#track(pass(client, server));
    await this.#answer(server, client, head, cut);
  }

  async #answer(server: Deno.TcpConn, client: Deno.TcpConn, head: string, cut: Cut | undefined): Promise<void> {
    const gate = cut && new Gate(cut);
    const buffer = new Uint8Array(65_536);
    for (;;) {
      const size = await server.read(buffer).catch(() => null);
      if (size === null) break;
      // The server has the request once it answers.
      if (cut?.at === "request") return this.#options.onCut(head, cut);
      const bytes = buffer.subarray(0, size);
      const { out, reached } = gate?.push(bytes) ?? { out: [bytes], reached: false };
      for (const part of out) await writeAll(client, part);
      if (reached) return this.#options.onCut(head, cut!);
    }
    if (gate) await writeAll(client, gate.rest());
  }

  #hold(connection: Deno.TcpConn): Disposable {
    this.#open.add(connection);
    return {
      [Symbol.dispose]: () => {
        this.#open.delete(connection);
        close(connection);
      },
    };
  }
}

async function readHead(connection: Deno.TcpConn): Promise<{ head: string; rest: Uint8Array }> {
  const buffer = new Uint8Array(65_536);
  let all: Uint8Array = new Uint8Array();
  for (;;) {
    const size = await connection.read(buffer);
    if (size === null) throw new Error("Nothing was asked");
    all = concat(all, buffer.subarray(0, size));
    const end = decoder.decode(all).indexOf("\r\n\r\n");
    if (end >= 0) return { head: decoder.decode(all.subarray(0, end + 4)), rest: all.subarray(end + 4) };
  }
}

/** Passes on what the client still sends; its leaving, too. */
async function pass(client: Deno.TcpConn, server: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(16_384);
  try {
    for (let size = await client.read(buffer); size !== null; size = await client.read(buffer)) {
      await writeAll(server, buffer.subarray(0, size));
    }
  } finally {
    close(server);
  }
}
