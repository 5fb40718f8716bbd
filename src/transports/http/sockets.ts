/**
 * Duplex operations of texts as WebSockets, a text a message.
 *
 * @module
 */
import type { Hono } from "@hono/hono";
import { AppError } from "../../domain/error.ts";
import type { Clock } from "../../kit/clock.ts";
import { Queue } from "../../kit/queue.ts";
import type { Gateway } from "../../operations/gateway.ts";
import type { Duplex } from "../../operations/operation.ts";
import { endInTime } from "../in_time.ts";
import { type HttpContext, type HttpEnv, type InputReader, routesOf, visitOf } from "../request.ts";
import { closeSocket, writeTo } from "../socket_writer.ts";

/** How many messages may wait to be understood. */
const MAX_WAITING = 256;
/** Seconds without a sign of life. */
const IDLE_SECONDS = 60;
const NORMAL = 1000;
const GOING_AWAY = 1001;
const UNREADABLE = 1003;
const REFUSED = 1008;
const TOO_BIG = 1009;

/** Options of {@linkcode mountSockets}. */
export interface SocketOptions {
  read: InputReader;
  clock: Clock;
  /** How long a reader may read nothing, in milliseconds. */
  write_timeout_ms: number;
  /** The longest message, in characters. */
  max_message: number;
}

/** Answers every duplex operation of texts with a WebSocket. Disposing it ends them. */
export function mountSockets(app: Hono<HttpEnv>, gateway: Gateway, options: SocketOptions): Disposable {
  const open = new Set<AbortController>();
  for (const op of gateway.operations.values()) {
    if (op.kind !== "duplex" || !op.texts) continue;
    const [method, paths] = routesOf(op);
    app.on(method, paths, (c) => answer(c, gateway, op as Duplex<never, string, string>, { ...options, open }));
  }
  return { [Symbol.dispose]: () => open.forEach((gone) => gone.abort()) };
}

/** Refusals are plain answers; only who is let in gets a WebSocket. */
async function answer(
  c: HttpContext,
  gateway: Gateway,
  op: Duplex<never, string, string>,
  { read, clock, write_timeout_ms, max_message, open }: SocketOptions & { open: Set<AbortController> },
): Promise<Response> {
  const { raw: request } = c.req;
  const gone = new AbortController();
  const visit = await visitOf(c, gateway, op, gone.signal);
  const incoming = new Queue<string>({ capacity: MAX_WAITING, overflow: "drop_newest" });
  const end = () => {
    incoming.end();
    open.delete(gone);
  };
  gone.signal.addEventListener("abort", end, { once: true });
  try {
    const input = read(c, op);
    const readInput = () => {
      if (op.begins) assertUpgrade(request);
      return input();
    };
    const outgoing = (await gateway.connect(op, readInput, visit, incoming))[Symbol.asyncIterator]();
    // One that is never read holds its place, too.
    gone.signal.addEventListener("abort", () => void outgoing.return?.().catch(() => {}), { once: true });
    assertUpgrade(request);
    const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: IDLE_SECONDS });
    open.add(gone);
    endInTime(gone, { principal: visit.principal, clock });
    const refuse = (code: number) => {
      closeSocket(socket, code);
      gone.abort();
    };
    socket.addEventListener("message", ({ data }) => {
      if (typeof data !== "string") return refuse(UNREADABLE);
      if (data.length > max_message) return refuse(TOO_BIG);
      if (!incoming.push(data)) refuse(REFUSED);
    });
    socket.addEventListener("close", () => gone.abort(), { once: true });
    socket.addEventListener("open", () => {
      writeTo(socket, asMessages(outgoing), { clock, timeout_ms: write_timeout_ms })
        .then((whole) => closeSocket(socket, whole && !gone.signal.aborted ? NORMAL : GOING_AWAY))
        .catch(() => closeSocket(socket, GOING_AWAY))
        .finally(() => gone.abort());
    }, { once: true });
    return response;
  } catch (thrown) {
    gone.abort();
    throw thrown;
  }
}

/** Throws `ValidationError` for a request that can't become a WebSocket (RFC 6455, 4.2.1). */
function assertUpgrade({ headers }: Request): void {
  const says = (name: string, wanted: string) =>
    headers.get(name)?.toLowerCase().split(",").some((one) => one.trim() === wanted) ?? false;
  if (!says("upgrade", "websocket")) {
    throw new AppError("ValidationError", "Cannot open a WebSocket: expected the header Upgrade: websocket");
  }
  if (!says("connection", "upgrade") || !headers.has("sec-websocket-key")) {
    throw new AppError(
      "ValidationError",
      "Cannot open a WebSocket: expected Connection: upgrade and Sec-WebSocket-Key",
    );
  }
}

async function* asMessages(texts: AsyncIterator<string>): AsyncGenerator<{ data: string }> {
  for (let next; !(next = await texts.next()).done;) yield { data: next.value };
}
