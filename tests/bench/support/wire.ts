/**
 * An HTTP/1.1 client that does no more than benches need, so that it takes little of the cores that it shares with
 * what is measured. It sees bytes as they are on the wire.
 *
 * @module
 */

const encoder = new TextEncoder();
const decoder = new TextDecoder();
/** The last chunk of a body of unknown length. */
const END = "0\r\n\r\n";

/** What was seen of one answer. */
export interface Seen {
  status: number;
  /** Milliseconds to the first byte of the mark; undefined when it never came. */
  firstMs: number | undefined;
  /** Milliseconds to the end. */
  ms: number;
  /** Bytes of head and body. */
  bytes: number;
}

/** A request as bytes. */
export function toRequest(
  url: string,
  { method = "GET", path = "/", key, accept, headers = {}, body }: {
    method?: string;
    path?: string;
    key?: string;
    accept?: string;
    headers?: Readonly<Record<string, string>>;
    body?: unknown;
  },
): Uint8Array {
  const text = body === undefined ? "" : JSON.stringify(body);
  const head = [
    `${method} ${path} HTTP/1.1`,
    `host: ${new URL(url).host}`,
    ...key === undefined ? [] : [`authorization: Bearer ${key}`],
    ...accept === undefined ? [] : [`accept: ${accept}`],
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ...body === undefined ? [] : ["content-type: application/json"],
    `content-length: ${encoder.encode(text).length}`,
  ];
  return encoder.encode(`${head.join("\r\n")}\r\n\r\n${text}`);
}

/** One connection, kept for many requests. */
export class Wire implements Disposable {
  readonly #connection: Deno.Conn;
  readonly #buffer = new Uint8Array(65_536);

  private constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  /** Connects to the server of `url`. */
  static async open(url: string): Promise<Wire> {
    const { hostname, port } = new URL(url);
    const connection = await Deno.connect({ hostname, port: Number(port) });
    connection.setNoDelay(true);
    return new Wire(connection);
  }

  /** Sends `request` and reads the answer to its end, noting when `mark` (ASCII) comes. */
  async ask(request: Uint8Array, mark = ""): Promise<Seen> {
    const started = performance.now();
    await this.send(request);
    let seen = "";
    let bytes = 0;
    let status = 0;
    let firstMs: number | undefined;
    let length: number | undefined;
    for (;;) {
      const text = await this.receive();
      if (text === null) throw new Error(`The connection closed after ${bytes} bytes of an answer`);
      bytes += text.length;
      if (status === 0 || firstMs === undefined) seen += text;
      else seen = (seen + text).slice(-END.length);
      if (firstMs === undefined && mark !== "" && seen.includes(mark)) firstMs = performance.now() - started;
      if (status === 0) {
        const head = seen.indexOf("\r\n\r\n");
        if (head < 0) continue;
        status = Number(seen.slice(9, 12));
        const declared = /\r\ncontent-length: (\d+)/i.exec(seen.slice(0, head))?.[1];
        if (declared !== undefined) length = head + 4 + Number(declared);
      }
      const over = length !== undefined ? bytes >= length : text.endsWith(END) || seen.endsWith(END);
      if (over) return { status, firstMs, ms: performance.now() - started, bytes };
    }
  }

  /** Sends bytes. */
  async send(bytes: Uint8Array): Promise<void> {
    for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await this.#connection.write(rest));
  }

  /** What came next, as text; null at the end. */
  async receive(): Promise<string | null> {
    const size = await this.#connection.read(this.#buffer);
    return size === null ? null : decoder.decode(this.#buffer.subarray(0, size));
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }
}
