/**
 * HTTP+SSE, the transport of the protocol's first revision (2024-11-05): a stream, and an address to write to.
 *
 * @module
 */
import { isJsonContentType } from "@modelcontextprotocol/server";
import { AppError } from "../../domain/error.ts";
import type { Gateway } from "../../operations/gateway.ts";
import { endInTime } from "../in_time.ts";
import type { HttpContext } from "../request.ts";
import { admit, refuse } from "./admission.ts";
import { Channel } from "./channel.ts";
import type { McpDeps } from "./door.ts";
import { toErrorMessage } from "./errors.ts";
import { toFrame } from "./exchange.ts";
import { Outbox } from "./outbox.ts";
import { ownerOf } from "./session.ts";

/** See the module. */
export class HttpSse {
  #gateway: Gateway;
  #deps: McpDeps;
  #open = new Map<string, { channel: Channel; owner: string }>();

  constructor(gateway: Gateway, deps: McpDeps) {
    this.#gateway = gateway;
    this.#deps = deps;
  }

  /** Opens a stream. Its first event says where to write to. */
  async stream(c: HttpContext): Promise<Response> {
    const { catalog, streams, clock, max_sessions } = this.#deps;
    try {
      const visit = await admit(c, this.#gateway, this.#deps);
      if (this.#open.size >= max_sessions) {
        throw new AppError("UnavailableError", `Cannot open a stream: ${this.#open.size} are open`, { retry_after: 5 });
      }
      const id = crypto.randomUUID();
      const gone = new AbortController();
      const outbox = new Outbox(() => gone.abort());
      const base = new URL(c.env.arrival.base).pathname.replace(/\/$/, "");
      const path = c.req.path.replace(/stream$/, "message");
      outbox.pushItem({ type: "endpoint", data: `${base}${path}?session_id=${id}` });
      const channel = new Channel({
        catalog,
        visit: { ...visit, signal: gone.signal },
        write: (message) => outbox.push(message),
        onClose: () => {
          this.#open.delete(id);
          outbox.end();
        },
      });
      await channel.open().catch((thrown) => {
        gone.abort();
        throw thrown;
      });
      endInTime(gone, { principal: visit.principal, clock });
      this.#open.set(id, { channel, owner: ownerOf(visit) });
      c.req.raw.signal.addEventListener("abort", () => gone.abort(), { once: true });
      if (c.req.raw.signal.aborted) gone.abort();
      const toErrorFrame = (thrown: unknown) =>
        toFrame({ type: "message", data: JSON.stringify(toErrorMessage(null, thrown)) });
      return streams.respond({ items: outbox, visit: gone, toFrame, toErrorFrame });
    } catch (thrown) {
      return refuse(c, thrown, this.#deps);
    }
  }

  /** Takes a message; the answer comes in the stream. */
  async message(c: HttpContext): Promise<Response> {
    const { raw: request } = c.req;
    try {
      const visit = await admit(c, this.#gateway, this.#deps);
      const id = c.req.query("session_id") ?? "";
      const found = this.#open.get(id);
      if (!found || found.owner !== ownerOf(visit)) {
        throw new AppError("NotFoundError", "Cannot find the stream that the message belongs to: it may have ended");
      }
      if (!isJsonContentType(request.headers.get("content-type"))) {
        throw new AppError("UnsupportedMediaTypeError", "Cannot read the message: expected application/json");
      }
      found.channel.receive(await this.#deps.readJson(request));
      return new Response("Accepted", { status: 202 });
    } catch (thrown) {
      return refuse(c, thrown, this.#deps);
    }
  }
}
