/**
 * Readers of event streams that ask and then don't read.
 *
 * @module
 */
import { USER_KEY } from "./server.ts";

/** What a stuck reader got when it read at last. */
export interface Received {
  /** Body bytes as they came, the framing of HTTP included. */
  bytes: number;
  text: string;
  /** Whether the server ended the answer in order: with HTTP's last chunk. */
  complete: boolean;
}

/** A connection over which nothing is read. */
export interface StuckReader extends Disposable {
  /** Reads everything to the end of the answer, or of the connection. */
  readAll(): Promise<Received>;
}

const LAST_CHUNK = "\r\n0\r\n\r\n";

/** Asks the server at `url` for `path` below `/api/v1`, as events, and leaves the answer where it is. */
export async function startStuckReader(url: string, path: string): Promise<StuckReader> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(url).port) });
  const head = [
    `GET /api/v1${path} HTTP/1.1`,
    "host: 127.0.0.1",
    `authorization: Bearer ${USER_KEY}`,
    "accept: text/event-stream",
  ];
  await connection.write(new TextEncoder().encode(`${head.join("\r\n")}\r\n\r\n`));
  return {
    async readAll() {
      const decoder = new TextDecoder("latin1");
      const buffer = new Uint8Array(1 << 20);
      const parts: string[] = [];
      let bytes = 0;
      let complete = false;
      while (!complete) {
        const size = await connection.read(buffer).catch(() => null);
        if (size === null) break;
        bytes += size;
        parts.push(decoder.decode(buffer.subarray(0, size)));
        complete = (parts.slice(-2).join("")).endsWith(LAST_CHUNK);
      }
      return { bytes, text: unchunk(parts.join("")), complete };
    },
    [Symbol.dispose]() {
      try {
        connection.close();
      } catch {
        // The other side was faster.
      }
    },
  };
}

function unchunk(raw: string): string {
  const out: string[] = [];
  for (let at = raw.indexOf("\r\n\r\n") + 4; at < raw.length;) {
    const line = raw.indexOf("\r\n", at);
    const size = parseInt(raw.slice(at, line), 16);
    if (!(size > 0)) break;
    out.push(raw.slice(line + 2, line + 2 + size));
    at = line + 4 + size;
  }
  return out.join("");
}
