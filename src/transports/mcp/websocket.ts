/**
 * MCP over WebSocket, a message a frame.
 *
 * @module
 */
import type { Gateway } from "../../operations/gateway.ts";
import { AppError } from "../../domain/error.ts";
import type { Visit } from "../../operations/operation.ts";
import { endInTime } from "../in_time.ts";
import type { HttpContext } from "../request.ts";
import { closeSocket, writeTo } from "../socket_writer.ts";
import { admit, letIn, refuse } from "./admission.ts";
import { Channel } from "./channel.ts";
import type { McpDeps } from "./door.ts";
import { Outbox } from "./outbox.ts";

/** The subprotocol that clients may name. */
const PROTOCOL = "mcp";
/** Seconds without a sign of life. */
const IDLE_SECONDS = 60;
const TOO_BIG = 1009;
const GOING_AWAY = 1001;

/** See the module. Disposing it ends the connections. */
export class WebSockets implements Disposable {
  #gateway: Gateway;
  #deps: McpDeps;
  #open = new Map<WebSocket, AbortController>();

  constructor(gateway: Gateway, deps: McpDeps) {
    this.#gateway = gateway;
    this.#deps = deps;
  }

  /** Opens a connection. */
  async answer(c: HttpContext): Promise<Response> {
    const { raw: request } = c.req;
    try {
      const visit = await admit(c, this.#gateway, this.#deps);
      if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
        throw new AppError("ValidationError", "Cannot open a WebSocket: expected the header Upgrade: websocket");
      }
      if (this.#open.size >= this.#deps.max_sessions) {
        throw new AppError("UnavailableError", `Cannot open a WebSocket: ${this.#open.size} are open`, {
          retry_after: 5,
        });
      }
      const named = request.headers.get("sec-websocket-protocol")?.split(",").map((name) => name.trim()) ?? [];
      return await this.#upgrade(request, visit, named.includes(PROTOCOL) ? { protocol: PROTOCOL } : {});
    } catch (thrown) {
      return refuse(c, thrown, this.#deps);
    }
  }

  [Symbol.dispose](): void {
    for (const [socket, gone] of [...this.#open]) {
      gone.abort();
      closeSocket(socket, GOING_AWAY);
    }
  }

  async #upgrade(request: Request, visit: Visit, options: { protocol?: string }): Promise<Response> {
    const { catalog, clock, write_timeout_ms: timeout_ms } = this.#deps;
    const gone = new AbortController();
    const own: Visit = { ...visit, signal: gone.signal };
    const outbox = new Outbox(() => gone.abort());
    const channel = new Channel({
      catalog,
      visit: own,
      letIn: () => letIn(this.#gateway, own),
      write: (message) => outbox.push(message),
      onClose: () => outbox.end(),
    });
    try {
      await channel.open();
      const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: IDLE_SECONDS, ...options });
      this.#open.set(socket, gone);
      this.#serve(socket, channel);
      socket.addEventListener("close", () => {
        // One that is closing is still there.
        this.#open.delete(socket);
        gone.abort();
      }, { once: true });
      endInTime(gone, { principal: own.principal, clock });
      writeTo(socket, outbox, { clock, timeout_ms }).catch(() => {}).then(() => {
        gone.abort();
        closeSocket(socket, GOING_AWAY);
      });
      return response;
    } catch (thrown) {
      gone.abort();
      throw thrown;
    }
  }

  #serve(socket: WebSocket, channel: Channel): void {
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }) => {
      if (typeof data !== "string") {
        return channel.refuse(new AppError("ValidationError", "Cannot read the message: expected text"));
      }
      if (data.length > this.#deps.max_message) return closeSocket(socket, TOO_BIG);
      void channel.take(data);
    });
  }
}
