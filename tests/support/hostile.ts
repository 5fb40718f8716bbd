/**
 * Requests that mean no good, as they go over the wire.
 *
 * @module
 */
import { USER_KEY } from "./server.ts";

/** A request and how it must be met. */
export interface Hostile {
  name: string;
  /** What is sent, in parts; strings as UTF-8. */
  parts: (string | Uint8Array)[];
  /**
   * The status with the one error shape; or `bare`: the status that the HTTP
   * library gives by itself, without a body; or `closed`: the connection ends
   * without an answer; or a status of success where the trick changes nothing.
   */
  wants: number | { bare: number } | "closed" | { fine: number };
  bodiless?: boolean;
  pause?: number;
}

const AUTH = `Authorization: Bearer ${USER_KEY}\r\n`;

/** The text of a request with the user's key. */
export function request(line: string, headers = "", body: string | undefined = undefined): string {
  const length = body === undefined ? "" : `Content-Length: ${new TextEncoder().encode(body).length}\r\n`;
  return `${line} HTTP/1.1\r\nHost: muxi\r\n${AUTH}${length}${headers}\r\n${body ?? ""}`;
}

const JSON_TYPE = "Content-Type: application/json\r\n";

function say(body: unknown, line = "POST /api/v1/chat"): string {
  return request(line, JSON_TYPE, typeof body === "string" ? body : JSON.stringify(body));
}

const chat = (name: string, body: unknown, wants: Hostile["wants"] = 400): Hostile => ({
  name,
  parts: [say(body)],
  wants,
});
const get = (name: string, path: string, wants: Hostile["wants"] = 400, headers = ""): Hostile => ({
  name,
  parts: [request(`GET ${path}`, headers)],
  wants,
});
const raw = (name: string, text: string, wants: Hostile["wants"], more: Partial<Hostile> = {}): Hostile => ({
  name,
  parts: [text],
  wants,
  ...more,
});

function deep(levels: number): string {
  return `{"message":"Hi","metadata":${'{"a":'.repeat(levels)}1${"}".repeat(levels)}}`;
}

function bytes(...parts: (string | number[])[]): Uint8Array {
  return new Uint8Array(parts.flatMap((part) => typeof part === "string" ? [...new TextEncoder().encode(part)] : part));
}

function withBody(body: Uint8Array, headers = JSON_TYPE, line = "POST /api/v1/chat"): Uint8Array {
  return bytes(
    `${line} HTTP/1.1\r\nHost: muxi\r\n${AUTH}${headers}Content-Length: ${body.length}\r\n\r\n`,
    [...body],
  );
}

function form(body: string, { boundary = "x", query = "" } = {}): string {
  return request(`POST /api/v1/files${query}`, `Content-Type: multipart/form-data; boundary=${boundary}\r\n`, body);
}

const part = (headers: string, body = "data") => `--x\r\n${headers}\r\n\r\n${body}\r\n--x--\r\n`;
const DECLARED = "Content-Length: 104857600\r\n";
const SQL = "'; DROP TABLE runs; --";

const bodies: Hostile[] = [
  chat("text where a number is", { message: 1 }),
  chat("null for the message", { message: null }),
  chat("a list for the message", { message: ["Hi"] }),
  chat("an object for the message", { message: { toString: "Hi" } }),
  chat("an empty message", { message: "" }),
  chat("no message", {}),
  chat("a user that is a number", { message: "Hi", user_id: 7 }),
  chat("a user with SQL", { message: "Hi", user_id: SQL }),
  chat("a user that is a dot", { message: "Hi", user_id: ".." }),
  chat("a very long user", { message: "Hi", user_id: "u".repeat(10_000) }),
  chat("a conversation with SQL", { message: "Hi", conversation_id: SQL }),
  chat("a conversation that is a flag", { message: "Hi", conversation_id: true }),
  chat("attachments that are no list", { message: "Hi", attachments: "file_1" }),
  chat("too many attachments", { message: "Hi", attachments: Array(21).fill({ file_id: "file_1" }) }),
  chat("an attachment with a path", { message: "Hi", attachments: [{ file_id: "../../etc/passwd" }] }),
  chat("metadata that is a list", { message: "Hi", metadata: [1] }),
  chat("metadata that is too large", { message: "Hi", metadata: { a: "a".repeat(20_000) } }),
  chat("an unknown field", { message: "Hi", massage: "Hi" }),
  chat("an unknown choice", { message: "Hi", multitask: "explode" }),
  chat("a flag in words for a choice", { message: "Hi", on_disconnect: true }),
  chat("a format that is none", { message: "Hi", response_format: { type: "xml" } }),
  chat("a name with spaces", { message: "Hi", response_format: { type: "json_schema", name: "a b", schema: {} } }),
  chat("__proto__ instead of a message", '{"__proto__":{"message":"Hi"}}'),
  chat("__proto__ beside a message", '{"message":"Hi","__proto__":{"user_id":"bob"}}'),
  chat("constructor as a field", '{"message":"Hi","constructor":{"prototype":{"a":1}}}'),
  chat("SQL as a field", { message: "Hi", [SQL]: 1 }),
  chat("a message that is too long", { message: "x".repeat(200_001) }),
  chat("broken JSON", '{"message": "Hi"'),
  chat("JSON with a comma too many", '{"message": "Hi",}'),
  chat("JSON twice", '{"message":"Hi"}{"message":"Hi"}'),
  chat("a list as body", '[{"message":"Hi"}]'),
  chat("a text as body", '"Hi"'),
  chat("null as body", "null"),
  chat("NaN", '{"message":"Hi","metadata":{"a":NaN}}'),
  chat("Infinity", '{"message":"Hi","metadata":{"a":-Infinity}}'),
  chat("JSON that is too deep", deep(200)),
  chat("JSON that is 100,000 deep", deep(100_000)),
  chat("a byte order mark within", '{"mess\uFEFFage":"Hi"}'),
  { name: "bytes that are no UTF-8", parts: [withBody(bytes('{"message":"', [0xff, 0xfe], '"}'))], wants: 400 },
  { name: "overlong UTF-8", parts: [withBody(bytes('{"message":"', [0xc0, 0xaf], '"}'))], wants: 400 },
  { name: "a surrogate in UTF-8", parts: [withBody(bytes('{"message":"', [0xed, 0xa0, 0x80], '"}'))], wants: 400 },
  { name: "UTF-16", parts: [withBody(bytes([0xff, 0xfe, 0x7b, 0, 0x7d, 0]))], wants: 400 },
  chat("a NUL in the user", '{"message":"Hi","user_id":"a\\u0000b"}'),
  chat("a lone surrogate in the user", '{"message":"Hi","user_id":"\\ud800"}'),
  // What may stand in a text may stand there; nothing else breaks on it.
  chat("a NUL in the text", '{"message":"a\\u0000b"}', { fine: 200 }),
  chat("a lone surrogate in the text", '{"message":"\\ud800"}', { fine: 200 }),
  chat("a huge number", '{"message":"Hi","metadata":{"a":1e999,"b":123456789012345678901234567890}}', { fine: 200 }),
  chat("a field twice", '{"message":1,"message":"Hi"}', { fine: 200 }),
  chat("SQL in the text", { message: SQL, metadata: { [SQL]: SQL } }, { fine: 200 }),
];

const types: Hostile[] = [
  raw("XML", request("POST /api/v1/chat", "Content-Type: application/xml\r\n", "<a/>"), 415),
  raw(
    "a form for JSON",
    request("POST /api/v1/chat", "Content-Type: multipart/form-data; boundary=x\r\n", part("")),
    415,
  ),
  raw("a compressed body", request("POST /api/v1/chat", `${JSON_TYPE}Content-Encoding: gzip\r\n`, "\x1f\x8b"), 415),
  raw("a type that is none", request("POST /api/v1/chat", "Content-Type: ;;;\r\n", "{}"), 415),
  raw("a form without boundary", request("POST /api/v1/files", "Content-Type: multipart/form-data\r\n", "x"), 400),
  raw("a form with another boundary", form(part("X: y"), { boundary: "z" }), 400),
  raw("a form that breaks off", form('--x\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\nda'), 400),
  raw("a form without a file", form(part('Content-Disposition: form-data; name="f"')), 400),
  raw("a form of nothing", form(""), 400),
  raw("a part with huge headers", form(part(`X: ${"y".repeat(10_000)}`)), 400),
  raw("a file name that is a path", form(part('Content-Disposition: form-data; name="f"; filename="../../x"')), 400),
  raw("a file name with a control", form(part('Content-Disposition: form-data; name="f"; filename="a\x01b"')), 400),
  raw("a file name in the query with CRLF", form("", { query: "?name=a%0d%0aX-Evil:%201" }), 400),
  raw("an upload of nothing", request("POST /api/v1/files"), { fine: 201 }),
  raw("a media type with CRLF", request("POST /api/v1/files?media_type=a/b%0d%0aX:1", "", "x"), 400),
];

const paths: Hostile[] = [
  get("dots", "/api/v1/agents/../../etc/passwd", 404),
  get("dots, encoded", "/api/v1/files/%2e%2e%2f%2e%2e%2fetc%2fpasswd", 400),
  get("dots, encoded twice", "/api/v1/files/%252e%252e%252fetc", 400),
  get("a path in a file's content", "/api/v1/files/..%2f..%2fetc%2fpasswd/content", 400),
  get("two slashes", "//api/v1/agents", 404),
  get("a slash at the end", "/api/v1/agents/", 404),
  get("another case", "/API/V1/agents", 404),
  get("a backslash", "/api/v1\\agents", 404),
  get("a NUL", "/api/v1/agents/%00", 400),
  get("a NUL at the end", "/health/live%00", 404),
  get("half an escape", "/api/v1/agents/%", 400),
  get("bytes in a path that are no UTF-8", "/api/v1/agents/%ff%fe", 400),
  get("a semicolon", "/api/v1/agents;x=1", 404),
  get("a very long path", `/api/v1/agents/${"a".repeat(9000)}`, 400),
  get("a very long id", `/api/v1/runs/run_${"a".repeat(5000)}`, 404),
  get("a path longer than any buffer", `/${"a".repeat(500_000)}`, { bare: 400 }),
  get("SQL as an id", `/api/v1/runs/${encodeURIComponent(SQL)}`, 400),
  get("the name of a prototype's method", "/api/v1/agents/constructor", 404),
  get("__proto__ as an id", "/api/v1/agents/__proto__", 400),
  get("a template", "/api/v1/agents/${7*7}", 400),
];

const queries: Hostile[] = [
  get("a limit of 0", "/api/v1/runs?limit=0"),
  get("a limit of -1", "/api/v1/runs?limit=-1"),
  get("a limit of 1e9", "/api/v1/runs?limit=1e9"),
  get("a limit of 1000000000", "/api/v1/runs?limit=1000000000"),
  get("a limit in words", "/api/v1/runs?limit=abc"),
  get("a limit that is not whole", "/api/v1/runs?limit=1.5"),
  get("no limit", "/api/v1/runs?limit="),
  get("a limit twice", "/api/v1/runs?limit=1&limit=2"),
  get("a limit of NaN", "/api/v1/runs?limit=NaN"),
  get("a junk cursor", "/api/v1/runs?cursor=%27%20OR%201=1"),
  get("a cursor of another thing", "/api/v1/runs?cursor=conv_zzz", { fine: 200 }),
  get("a cursor that is too long", `/api/v1/runs?cursor=${"a".repeat(500)}`),
  get("an order that is none", "/api/v1/runs?order=random()"),
  get("a status that is none", "/api/v1/runs?status=completed;--"),
  get("an unknown parameter", "/api/v1/runs?sort=id"),
  get("__proto__ in the query", "/api/v1/runs?__proto__=1&constructor=2"),
  get("a user twice", "/api/v1/runs?user_id=a&user_id=b"),
  get("path and query that disagree", "/api/v1/runs/run_1?run_id=run_2"),
  get("a junk Last-Event-ID", "/api/v1/runs/run_1/events", 400, "Last-Event-ID: abc\r\n"),
  get("a negative Last-Event-ID", "/api/v1/runs/run_1/events", 400, "Last-Event-ID: -1\r\n"),
  get("a huge Last-Event-ID", "/api/v1/runs/run_1/events", 400, "Last-Event-ID: 99999999999999999999\r\n"),
  get("a Last-Event-ID with SQL", "/api/v1/runs/run_1/events", 400, `Last-Event-ID: ${SQL}\r\n`),
  get("a type of event that is none", "/api/v1/runs/run_1/events?types=run.exploded"),
  raw("a junk idempotency key", request("POST /api/v1/chat", `${JSON_TYPE}Idempotency-Key: a b\r\n`, "{}"), 400),
  raw("an empty idempotency key", request("POST /api/v1/chat", `${JSON_TYPE}Idempotency-Key: \r\n`, "{}"), 400),
  raw(
    "a very long idempotency key",
    request("POST /api/v1/chat", `${JSON_TYPE}Idempotency-Key: ${"k".repeat(300)}\r\n`, '{"message":"Hi"}'),
    400,
  ),
];

const protocol: Hostile[] = [
  raw("an unknown method", request("BREW /api/v1/agents"), 405),
  raw("TRACE", request("TRACE /api/v1/agents"), 405),
  raw("CONNECT", "CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n", 404),
  raw("OPTIONS without an origin", request("OPTIONS /api/v1/agents"), 405),
  raw("OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 404),
  raw("DELETE of a list", request("DELETE /api/v1/agents"), 405),
  raw("HEAD of nothing", request("HEAD /nowhere"), 404, { bodiless: true }),
  raw("HEAD of a list", request("HEAD /api/v1/agents"), { fine: 200 }, { bodiless: true }),
  raw("a range of a list", request("GET /api/v1/agents", "Range: bytes=0-1\r\n"), { fine: 200 }),
  raw("HTTP/1.0", "GET /health/live HTTP/1.0\r\n\r\n", { fine: 200 }),
  raw("HTTP/0.9", "GET /health/live\r\n\r\n", { bare: 400 }),
  raw("HTTP/9.9", "GET /health/live HTTP/9.9\r\nHost: x\r\n\r\n", { bare: 400 }),
  raw("an absolute target", "GET http://evil.example/health/live HTTP/1.1\r\nHost: x\r\n\r\n", { fine: 200 }),
  raw("a host with a path", "GET /health/live HTTP/1.1\r\nHost: a/../b?c#d\r\n\r\n", 400),
  raw("a host with spaces", "GET /health/live HTTP/1.1\r\nHost: bad host\r\n\r\n", 400),
  raw("a host with a password", "GET /health/live HTTP/1.1\r\nHost: u:p@[::1\r\n\r\n", 400),
  raw("two hosts", "GET /health/live HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", { bare: 400 }),
  raw("a method that is none", "G@T / HTTP/1.1\r\nHost: x\r\n\r\n", { bare: 400 }),
  raw("a header with a space before the colon", "GET / HTTP/1.1\r\nHost : x\r\n\r\n", { bare: 400 }),
  raw("a folded header", "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", { bare: 400 }),
  raw("a NUL in the target", "GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n", { bare: 400 }),
  raw("TLS on a plain port", "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", { bare: 400 }),
  raw("a length that is none", request("POST /api/v1/chat", "Content-Length: abc\r\n"), { bare: 400 }),
  raw("a negative length", request("POST /api/v1/chat", "Content-Length: -1\r\n"), { bare: 400 }),
  raw("two lengths", request("POST /api/v1/chat", "Content-Length: 1\r\nContent-Length: 2\r\n"), { bare: 400 }),
  raw(
    "a length and chunks",
    request("POST /api/v1/chat", "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n",
    { bare: 400 },
  ),
  raw("another coding of the transfer", request("POST /api/v1/chat", "Transfer-Encoding: gzip\r\n"), { bare: 400 }),
  raw("a broken chunk", `${request("POST /api/v1/chat", "Transfer-Encoding: chunked\r\n")}zz\r\n`, "closed"),
  raw("a key with CRLF", request("GET /api/v1/agents", "X-Request-Id: a%0d%0ab\r\n"), { fine: 200 }),
  raw("a huge header", request("GET /api/v1/agents", `X-A: ${"a".repeat(20_000)}\r\n`), 431),
  raw("a header larger than any buffer", request("GET /", `X-A: ${"a".repeat(500_000)}\r\n`), { bare: 400 }),
  raw("90 headers", request("GET /api/v1/agents", "X-A: a\r\n".repeat(90)), { fine: 200 }),
  raw("a flood of headers", request("GET /api/v1/agents", "X-A: a\r\n".repeat(5000)), { bare: 400 }),
  raw("an upgrade to a WebSocket", request("GET /ws", "Connection: Upgrade\r\nUpgrade: websocket\r\n"), 404),
  raw("a declared body that is too large", request("POST /api/v1/chat", JSON_TYPE + DECLARED), 413),
  raw("a declared file that is too large", request("POST /api/v1/files", DECLARED), 413),
  {
    name: "chunks without end",
    parts: [
      request("POST /api/v1/chat", `${JSON_TYPE}Transfer-Encoding: chunked\r\n`),
      ...Array.from({ length: 64 }, () => `10000\r\n${"x".repeat(65_536)}\r\n`),
    ],
    wants: 413,
  },
  {
    name: "a body that comes a letter at a time",
    parts: [request("POST /api/v1/chat", `${JSON_TYPE}Content-Length: 1000\r\n`), ...'{"message":"'.repeat(3)],
    pause: 100,
    wants: 408,
  },
  raw("a body that never comes", request("POST /api/v1/chat", `${JSON_TYPE}Content-Length: 10\r\n`), 408),
];

/** The table. */
export const HOSTILE: readonly Hostile[] = [...bodies, ...types, ...paths, ...queries, ...protocol];
