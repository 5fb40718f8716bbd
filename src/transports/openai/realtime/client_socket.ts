/**
 * A WebSocket that speaks this protocol.
 *
 * @module
 */
import type { Principal } from "../../../domain/access.ts";
import { Queue } from "../../../kit/queue.ts";
import type { Gateway } from "../../../operations/gateway.ts";
import { endInTime } from "../../in_time.ts";
import type { HttpContext } from "../../request.ts";
import { closeSocket, writeTo } from "../../socket_writer.ts";
import { invalid } from "../errors.ts";
import type { Client } from "./clients.ts";
import type { RealtimeDeps } from "./door.ts";

/** How many events may wait to be written, and how many while sound still comes. */
const MAX_WAITING = 4096;
const ROOM = 64;
/** How much a client may send: at once, in characters, and every second. Sound of one second is 64,000. */
const BURST = 16_777_216;
const A_SECOND = 1_048_576;
/** Seconds without a sign of life. */
const IDLE_SECONDS = 60;
const NORMAL = 1000;
const GOING_AWAY = 1001;
const UNREADABLE = 1003;
const FLOOD = 1008;
const TOO_BIG = 1009;
/** What a client may name; others of its names say who it is, or what. */
const PROTOCOL = "realtime";
/** Before the key of a browser, which can send no header. */
const KEY_PROTOCOL = "openai-insecure-api-key.";

/** Who comes is known from here on, also where a browser could say it in no header. */
export async function identify(c: HttpContext, gateway: Gateway): Promise<void> {
  const named = protocolsOf(c).find((name) => name.startsWith(KEY_PROTOCOL));
  if (named === undefined || c.req.raw.headers.has("authorization")) return;
  const { address, request_id } = c.env.arrival;
  c.set("principal", await gateway.identify({ token: named.slice(KEY_PROTOCOL.length), address, request_id }));
}

/** Throws `ValidationError` where no WebSocket was asked for. */
export function requireUpgrade(c: HttpContext): void {
  if (c.req.raw.headers.get("upgrade")?.toLowerCase() === "websocket") return;
  throw invalid("Cannot open a WebSocket: expected the header Upgrade: websocket");
}

/** What a {@linkcode ClientSocket} does with what it is told. */
export interface SocketUse {
  /** The client is there. */
  onOpen(): void;
  onText(text: string): void;
}

/** See the module. It is written no faster than it is read. */
export class ClientSocket {
  /** Tells the client something. One that leaves too much unread has lost the thread. */
  readonly client: Client;
  readonly #deps: RealtimeDeps;
  readonly #gone: AbortController;
  readonly #outgoing = new Queue<{ data: string }>({ capacity: MAX_WAITING, overflow: "drop_newest" });
  #waiting: (() => void)[] = [];
  #allowed: { characters: number; at: number };

  /** `gone` aborts when the connection is over, and ends it when it aborts. */
  constructor(deps: RealtimeDeps, gone: AbortController) {
    this.#deps = deps;
    this.#gone = gone;
    this.#allowed = { characters: Math.max(BURST, 2 * deps.max_message), at: deps.clock.now() };
    this.client = (data) => void (this.#outgoing.push({ data }) || gone.abort());
    const end = () => {
      this.#outgoing.end();
      this.#wake();
    };
    if (gone.signal.aborted) end();
    else gone.signal.addEventListener("abort", end, { once: true });
  }

  /** Resolves when little waits to be written. */
  async room(): Promise<void> {
    while (this.#outgoing.size > ROOM && !this.#outgoing.ended) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Answers the request with a WebSocket. Throws `ValidationError` when that wasn't asked for. */
  open(c: HttpContext, principal: Principal, use: SocketUse): Response {
    const { clock } = this.#deps;
    const { raw: request } = c.req;
    requireUpgrade(c);
    const named = protocolsOf(c).includes(PROTOCOL) && { protocol: PROTOCOL };
    const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: IDLE_SECONDS, ...named });
    endInTime(this.#gone, { principal, clock });
    this.#gone.signal.addEventListener("abort", () => closeSocket(socket, GOING_AWAY), { once: true });
    socket.addEventListener("close", () => this.#gone.abort(), { once: true });
    socket.addEventListener("message", ({ data }) => {
      const code = this.#refusal(data);
      if (code === undefined) return use.onText(data);
      closeSocket(socket, code);
      this.#gone.abort();
    });
    socket.addEventListener("open", () => {
      use.onOpen();
      void this.#write(socket);
    }, { once: true });
    return response;
  }

  async #write(socket: WebSocket): Promise<void> {
    const { clock, write_timeout_ms: timeout_ms } = this.#deps;
    await writeTo(socket, this.#taken(), { clock, timeout_ms }).catch(() => {});
    closeSocket(socket, NORMAL);
    this.#gone.abort();
  }

  async *#taken(): AsyncGenerator<{ data: string }> {
    for await (const text of this.#outgoing) {
      yield text;
      if (this.#outgoing.size <= ROOM) this.#wake();
    }
  }

  /** The code with which a message ends the connection. */
  #refusal(data: unknown): number | undefined {
    if (typeof data !== "string") return UNREADABLE;
    if (data.length > this.#deps.max_message) return TOO_BIG;
    const most = Math.max(BURST, 2 * this.#deps.max_message);
    const now = this.#deps.clock.now();
    const { characters, at } = this.#allowed;
    const left = Math.min(most, characters + (now - at) * A_SECOND / 1000) - data.length;
    this.#allowed = { characters: left, at: now };
    return left < 0 ? FLOOD : undefined;
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

function protocolsOf(c: HttpContext): string[] {
  return c.req.raw.headers.get("sec-websocket-protocol")?.split(",").map((name) => name.trim()) ?? [];
}
