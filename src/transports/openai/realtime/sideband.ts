/**
 * A WebSocket beside a call: an application follows and steers what its browser talks about.
 *
 * @module
 */
import type { Hono } from "@hono/hono";
import { RtcSessionId } from "../../../domain/rtc_session.ts";
import { AppError } from "../../../domain/error.ts";
import { Queue } from "../../../kit/queue.ts";
import type { Gateway } from "../../../operations/gateway.ts";
import { rtcSessionEvents } from "../../../operations/rtc_sessions.ts";
import { endInTime } from "../../in_time.ts";
import { type HttpContext, type HttpEnv, noting, visitOf } from "../../request.ts";
import { closeSocket, writeTo } from "../../socket_writer.ts";
import { answering, pathsOf } from "../door.ts";
import { invalid } from "../errors.ts";
import { forAssertedUser } from "../../asserted_user.ts";
import type { CallLink } from "./call_link.ts";
import type { Links, RealtimeDeps } from "./door.ts";

/** How many events may wait to be written. */
const MAX_WAITING = 4096;
/** Seconds without a sign of life. */
const IDLE_SECONDS = 60;
const NORMAL = 1000;
const GOING_AWAY = 1001;
const UNREADABLE = 1003;
const TOO_BIG = 1009;
/** What a client may name; others of its names say who it is, or what. */
const PROTOCOL = "realtime";
/** Before the key of a browser, which can send no header. */
const KEY_PROTOCOL = "openai-insecure-api-key.";

/** Adds the route. It uses `rtc_session_events`. Disposing it ends the connections. */
export function mountSideband(
  app: Hono<HttpEnv>,
  gateway: Gateway,
  { deps, links }: { deps: RealtimeDeps; links: Links },
): Disposable {
  const open = new Set<AbortController>();
  const handler = answering(deps, (c) => join(c, { gateway, deps, links, open }));
  for (const path of pathsOf("/realtime")) app.get(path, handler);
  return { [Symbol.dispose]: () => open.forEach((gone) => gone.abort()) };
}

async function join(
  c: HttpContext,
  { gateway, deps, links, open }: { gateway: Gateway; deps: RealtimeDeps; links: Links; open: Set<AbortController> },
): Promise<Response> {
  const { raw: request } = c.req;
  const protocols = request.headers.get("sec-websocket-protocol")?.split(",").map((name) => name.trim()) ?? [];
  await identify(c, gateway, protocols);
  const gone = new AbortController();
  const visit = await forAssertedUser(
    await visitOf(c, gateway, rtcSessionEvents, gone.signal),
    request.headers,
    deps,
  );
  // Whoever may follow the call may speak in it; the stream holds a place, and ends with the call and with the key.
  const read = () => ({ session_id: callIdOf(c) });
  const happening = (await gateway.stream(rtcSessionEvents, read, visit, noting(c)))?.[Symbol.asyncIterator]();
  try {
    const link = links.get(callIdOf(c));
    if (!happening || !link) {
      throw new AppError(
        "SessionNotFoundError",
        `Cannot join call "${callIdOf(c)}": it doesn't go on in this protocol`,
      );
    }
    if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
      throw invalid("Cannot open a WebSocket: expected the header Upgrade: websocket");
    }
    const options = { idleTimeout: IDLE_SECONDS, ...protocols.includes(PROTOCOL) && { protocol: PROTOCOL } };
    const { socket, response } = Deno.upgradeWebSocket(request, options);
    open.add(gone);
    endInTime(gone, { principal: visit.principal, clock: deps.clock });
    const over = () => {
      open.delete(gone);
      void happening.return?.().catch(() => {});
      closeSocket(socket, GOING_AWAY);
    };
    gone.signal.addEventListener("abort", over, { once: true });
    socket.addEventListener("close", () => gone.abort(), { once: true });
    socket.addEventListener("open", () => serve(socket, link, { deps, gone }), { once: true });
    void drain(happening).finally(() => gone.abort());
    return response;
  } catch (thrown) {
    await happening?.return?.();
    throw thrown;
  }
}

function serve(
  socket: WebSocket,
  link: CallLink,
  { deps, gone }: { deps: RealtimeDeps; gone: AbortController },
): void {
  const outgoing = new Queue<{ data: string }>({ capacity: MAX_WAITING, overflow: "drop_newest" });
  // Whoever leaves so much unread has lost the thread.
  const client = (data: string) => void (outgoing.push({ data }) || gone.abort());
  const joined = link.join(client);
  gone.signal.addEventListener("abort", () => {
    joined[Symbol.dispose]();
    outgoing.end();
  }, { once: true });
  socket.addEventListener("message", ({ data }) => {
    if (typeof data !== "string") return closeSocket(socket, UNREADABLE);
    if (data.length > deps.max_message) return closeSocket(socket, TOO_BIG);
    link.take(data, client);
  });
  writeTo(socket, outgoing, { clock: deps.clock, timeout_ms: deps.write_timeout_ms }).catch(() => {})
    .finally(() => {
      closeSocket(socket, NORMAL);
      gone.abort();
    });
}

/** Who comes, where a browser could say it in no header. */
async function identify(c: HttpContext, gateway: Gateway, protocols: readonly string[]): Promise<void> {
  const named = protocols.find((name) => name.startsWith(KEY_PROTOCOL));
  if (named === undefined || c.req.raw.headers.has("authorization")) return;
  const { address, request_id } = c.env.arrival;
  c.set("principal", await gateway.identify({ token: named.slice(KEY_PROTOCOL.length), address, request_id }));
}

function callIdOf(c: HttpContext): string {
  const id = c.req.query("call_id");
  if (id !== undefined && RtcSessionId.safeParse(id).success) return id;
  throw invalid('Cannot open a WebSocket: expected "call_id", the id of a call', { param: "call_id" });
}

async function drain(happening: AsyncIterator<unknown>): Promise<void> {
  try {
    while (!(await happening.next()).done);
  } catch {
    // The call, or the right to follow it, is over.
  }
}
