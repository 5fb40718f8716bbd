/**
 * HTTP as bytes over TCP, for what no client library would send.
 *
 * @module
 */

/** What came back over a connection. */
export interface RawAnswer {
  /** 0 when the connection was closed without an answer. */
  status: number;
  headers: Headers;
  /** The body, chunks joined. */
  text: string;
  /** Everything, as it came. */
  raw: string;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("latin1");

/** Bytes of text, one a character. */
export function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

function bodyLength(head: string, rest: string): number | undefined {
  if (/^HTTP\/1\.[01] (1\d\d|204|304)/.test(head)) return 0;
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length !== undefined) return Number(length);
  if (!/\r\ntransfer-encoding: *chunked/i.test(head)) return undefined;
  const end = rest.indexOf("0\r\n\r\n");
  return end < 0 ? Infinity : end + 5;
}

function isComplete(raw: string, bodiless: boolean): boolean {
  const end = raw.indexOf("\r\n\r\n");
  if (end < 0) return false;
  if (bodiless) return true;
  const length = bodyLength(raw.slice(0, end), raw.slice(end + 4));
  return length !== undefined && raw.length - end - 4 >= length;
}

function unchunk(text: string): string {
  let out = "";
  for (let rest = text; rest !== "";) {
    const line = rest.indexOf("\r\n");
    const size = parseInt(rest.slice(0, line), 16);
    if (!(size > 0)) return out;
    out += rest.slice(line + 2, line + 2 + size);
    rest = rest.slice(line + 4 + size);
  }
  return out;
}

/** Parses the first answer in `raw`. */
export function parseAnswer(raw: string): RawAnswer {
  const end = raw.indexOf("\r\n\r\n");
  const [line = "", ...lines] = raw.slice(0, Math.max(0, end)).split("\r\n");
  const headers = new Headers();
  for (const one of lines) headers.append(one.slice(0, one.indexOf(":")), one.slice(one.indexOf(":") + 1).trim());
  const rest = raw.slice(end + 4);
  const length = Number(headers.get("content-length") ?? rest.length);
  const chunked = headers.get("transfer-encoding") === "chunked";
  return {
    status: Number(/^HTTP\/1\.[01] (\d{3})/.exec(line)?.[1] ?? 0),
    headers,
    text: chunked ? unchunk(rest) : rest.slice(0, length),
    raw,
  };
}

/** Options of {@linkcode send}. */
export interface SendOptions {
  /** The answer has no body, as to HEAD. */
  bodiless?: boolean;
  /** Reads until the other side closes, as for several answers. */
  toEnd?: boolean;
  /** Milliseconds between parts. */
  pause?: number;
}

/** Sends `parts` over a new connection and reads the answer, which may come before all is sent. */
export async function send(
  port: number,
  parts: Iterable<string | Uint8Array>,
  { bodiless = false, toEnd = false, pause = 0 }: SendOptions = {},
): Promise<RawAnswer> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  let answered = false;
  const sending = (async () => {
    for (const part of parts) {
      const bytes = typeof part === "string" ? encoder.encode(part) : part;
      for (let at = 0; at < bytes.length && !answered;) at += await connection.write(bytes.subarray(at));
      if (answered) return;
      if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
    }
  })().catch(() => {});
  let raw = "";
  const buffer = new Uint8Array(65_536);
  try {
    while (toEnd || !isComplete(raw, bodiless)) {
      const size = await connection.read(buffer);
      if (size === null) break;
      raw += decoder.decode(buffer.subarray(0, size));
    }
  } catch {
    // Reset by the other side: what came so far counts.
  }
  answered = true;
  connection.close();
  await sending;
  return parseAnswer(raw);
}
