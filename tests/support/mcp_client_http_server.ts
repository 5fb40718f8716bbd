/**
 * A tool server over HTTP, written by hand, whose answers a test decides on.
 *
 * @module
 */

/** A request as it came. */
export interface Heard {
  method: string;
  headers: Headers;
  url: URL;
  /** The message, if it had one. */
  message: Message | undefined;
  /** The body, read as a form. */
  form: URLSearchParams;
  /** Aborts when the client leaves. */
  signal: AbortSignal;
}

/** A message of JSON-RPC. */
export interface Message {
  id?: string | number;
  method: string;
  params?: Record<string, unknown> & { name?: string };
}

/** What a request is answered with: a response, the result of its message, or nothing special. */
export type Answer = (heard: Heard) => Response | object | undefined | Promise<Response | object | undefined>;

/** A server at work. */
export interface HttpUpstream extends AsyncDisposable {
  url: string;
  port: number;
  heard: Heard[];
  /** The methods of the messages that came. */
  methods(): string[];
}

/** Starts one of the newer era, or of the older with a session. */
export function startHttpUpstream(
  answer: Answer = () => undefined,
  { era = "2026-07-28", port = 0, tls = {} }: {
    era?: string;
    port?: number;
    tls?: { cert?: string; key?: string };
  } = {},
): HttpUpstream {
  const heard: Heard[] = [];
  const modern = era >= "2026";
  const handle = async (request: Request): Promise<Response> => {
    const text = request.method === "POST" ? await request.text() : "";
    const message: Message | undefined = text.startsWith("{") ? JSON.parse(text) : undefined;
    const one: Heard = {
      method: request.method,
      headers: request.headers,
      url: new URL(request.url),
      message,
      form: new URLSearchParams(message ? "" : text),
      signal: request.signal,
    };
    heard.push(one);
    const given = await answer(one);
    if (given instanceof Response) return given;
    if (!message) return new Response(null, { status: 405 });
    if (message.id === undefined) return new Response(null, { status: 202 });
    return toResponse(message, given ?? usual(message, era), modern);
  };
  const server = Deno.serve({ port, hostname: "127.0.0.1", onListen: () => {}, ...tls }, handle);
  return {
    url: `http${tls.cert ? "s" : ""}://127.0.0.1:${server.addr.port}/mcp`,
    port: server.addr.port,
    heard,
    methods: () => heard.flatMap(({ message }) => message?.method ?? []),
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** The answer to a message, as JSON. */
export function toResponse({ id, method }: Message, result: object | undefined, modern = true): Response {
  const headers = method === "initialize" ? { "mcp-session-id": "session_1" } : {};
  const error = { code: -32601, message: `${method} isn't known here` };
  const extra = modern ? { resultType: "complete", ttlMs: 0, cacheScope: "private" } : {};
  const outcome = result ? { result: { ...extra, ...result } } : { error };
  return Response.json({ jsonrpc: "2.0", id, ...outcome }, { headers });
}

function usual({ method, params }: Message, era: string): object | undefined {
  const capabilities = { tools: {} };
  if (method === "server/discover" && era >= "2026") return { supportedVersions: [era], capabilities };
  if (method === "initialize" && era < "2026") {
    return { protocolVersion: era, capabilities, serverInfo: { name: "upstream", version: "1" } };
  }
  if (method === "tools/list") return { tools: [{ name: "echo", inputSchema: { type: "object" } }] };
  if (method === "tools/call") return { content: [{ type: "text", text: JSON.stringify(params?.arguments) }] };
  return method === "ping" ? {} : undefined;
}

/** A stream of events that stays open, and what to write into it. */
export function openEvents(): { response: Response; write(message: object): void; closed: Promise<void>; end(): void } {
  const encoder = new TextEncoder();
  const closed = Promise.withResolvers<void>();
  let controller: ReadableStreamDefaultController<Uint8Array>;
  const body = new ReadableStream<Uint8Array>({
    start: (given) => void (controller = given),
    cancel: () => closed.resolve(),
  });
  return {
    response: new Response(body, { headers: { "content-type": "text/event-stream" } }),
    write: (message) => controller.enqueue(encoder.encode(`data: ${JSON.stringify(message)}\n\n`)),
    closed: closed.promise,
    end: () => controller.close(),
  };
}

/** A certificate for this machine that nobody trusts who wasn't told to. */
export async function selfSigned(): Promise<{ cert: string; key: string }> {
  const dir = await Deno.makeTempDir({ prefix: "muxi-mcp-tls-" });
  const [cert, key] = [`${dir}/cert.pem`, `${dir}/key.pem`];
  const args = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  args.push("-addext", "basicConstraints=critical,CA:FALSE");
  await new Deno.Command("openssl", {
    args: [...args, "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
    stdout: "null",
    stderr: "null",
  }).output();
  const pair = { cert: await Deno.readTextFile(cert), key: await Deno.readTextFile(key) };
  await Deno.remove(dir, { recursive: true });
  return pair;
}
