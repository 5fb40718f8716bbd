/**
 * Requests of the older era (2025-11-25 and before), which has sessions.
 *
 * @module
 */
import {
  isInitializeRequest,
  isJSONRPCRequest,
  type RequestId,
  SUPPORTED_PROTOCOL_VERSIONS,
} from "@modelcontextprotocol/server";
import type { Visit } from "../../operations/operation.ts";
import { endInTime } from "../in_time.ts";
import { faultOf, NO_MESSAGE, readMessage } from "./batches.ts";
import type { McpDeps } from "./door.ts";
import { toErrorMessage } from "./errors.ts";
import { Exchange, toFrame } from "./exchange.ts";
import { Outbox } from "./outbox.ts";
import { toErrorResponse } from "./plain_error.ts";
import type { Session } from "./session.ts";
import { Sessions } from "./sessions.ts";

const REFUSED = -32000;
const NOT_FOUND = -32001;
const INVALID = -32600;
const SESSION = "mcp-session-id";

/** See the module. */
export class Legacy implements Disposable {
  #deps: McpDeps;
  #sessions: Sessions;

  constructor(deps: McpDeps) {
    this.#deps = deps;
    const { catalog, clock, max_sessions, session_idle_ms: idle_ms } = deps;
    this.#sessions = new Sessions({ catalog, clock, max_sessions, idle_ms });
  }

  /** How many sessions there are. */
  get sessions(): number {
    return this.#sessions.size;
  }

  /** A message from the client. */
  async post(request: Request, body: unknown, visit: Visit): Promise<Response> {
    const { headers } = request;
    const accept = headers.get("accept") ?? "";
    if (!accept.includes("application/json") || !accept.includes("text/event-stream")) {
      const message = "Not Acceptable: expected the header Accept to name application/json and text/event-stream";
      return toErrorResponse(406, { code: REFUSED, message });
    }
    if (Array.isArray(body)) return await this.#postBatch(request, body, visit);
    const message = readMessage(body);
    if (!message) return toErrorResponse(400, { code: INVALID, message: "Bad Request: expected one JSON-RPC message" });
    const isFirst = isInitializeRequest(message);
    if (isFirst && headers.has(SESSION)) {
      return toErrorResponse(400, { code: INVALID, message: "Bad Request: the session is initialized already" });
    }
    const session = isFirst ? await this.#sessions.create(visit) : this.#find(request, visit);
    if (session instanceof Response) return session;
    if (!isJSONRPCRequest(message)) {
      session.receive(message, { visit });
      return new Response(null, { status: 202 });
    }
    const { id } = message;
    const { streams, soon } = this.#deps;
    const exchange = new Exchange({ streams, soon, ids: [id], onGone: () => session.abandon(id) });
    session.receive(message, { visit, exchange });
    return await exchange.respond({ [SESSION]: session.sessionId });
  }

  /** The stream of what belongs to no request. */
  async get(request: Request, visit: Visit): Promise<Response> {
    if (!request.headers.get("accept")?.includes("text/event-stream")) {
      const message = "Not Acceptable: expected the header Accept to name text/event-stream";
      return toErrorResponse(406, { code: REFUSED, message });
    }
    const session = this.#find(request, visit);
    if (session instanceof Response) return session;
    const gone = new AbortController();
    const feed = new Outbox(() => gone.abort());
    request.signal.addEventListener("abort", () => gone.abort(), { once: true });
    if (request.signal.aborted) gone.abort();
    gone.signal.addEventListener("abort", () => feed.end(), { once: true });
    endInTime(gone, { principal: visit.principal, clock: this.#deps.clock });
    try {
      await session.listen(feed, { ...visit, signal: gone.signal });
    } catch (thrown) {
      gone.abort();
      throw thrown;
    }
    return this.#deps.streams.respond({
      items: feed,
      visit: gone,
      toFrame,
      toErrorFrame: (thrown) => toFrame({ type: "message", data: JSON.stringify(toErrorMessage(null, thrown)) }),
      headers: { [SESSION]: session.sessionId },
    });
  }

  /** The end of a session. */
  async delete(request: Request, visit: Visit): Promise<Response> {
    const session = this.#find(request, visit);
    if (session instanceof Response) return session;
    await session.end();
    return new Response(null, { status: 200 });
  }

  [Symbol.dispose](): void {
    this.#sessions[Symbol.dispose]();
  }

  /** Several messages in one. Those that are none are told so, among the answers of the others. */
  async #postBatch(request: Request, bodies: readonly unknown[], visit: Visit): Promise<Response> {
    const session = this.#find(request, visit);
    if (session instanceof Response) return session;
    const messages = bodies.map(readMessage);
    const fault = faultOf(messages, session.revision);
    if (fault !== undefined) return toErrorResponse(400, { code: INVALID, message: `Bad Request: ${fault}` });
    const ids = messages.filter(isJSONRPCRequest).map(({ id }) => id);
    const wrong = messages.filter((message) => message === undefined).map(() => NO_MESSAGE);
    if (ids.length === 0) {
      for (const message of messages) if (message) session.receive(message, { visit });
      return wrong.length === 0 ? new Response(null, { status: 202 }) : Response.json(wrong, { status: 400 });
    }
    const { streams, soon } = this.#deps;
    const onGone = (ids: Iterable<RequestId>) => [...ids].forEach((id) => session.abandon(id));
    const exchange = new Exchange({ streams, soon, ids, batch: true, onGone });
    for (const one of wrong) exchange.send(one);
    try {
      for (const message of messages) {
        if (message) session.receive(message, { visit, ...isJSONRPCRequest(message) && { exchange } });
      }
    } catch (thrown) {
      exchange.gone.abort();
      throw thrown;
    }
    return await exchange.respond({ [SESSION]: session.sessionId });
  }

  #find({ headers }: Request, visit: Visit): Session | Response {
    const id = headers.get(SESSION);
    if (id === null) {
      return toErrorResponse(400, { code: REFUSED, message: "Bad Request: expected the header Mcp-Session-Id" });
    }
    const session = this.#sessions.find(id, visit);
    if (!session) return toErrorResponse(404, { code: NOT_FOUND, message: "Session not found" });
    const version = headers.get("mcp-protocol-version");
    if (version !== null && !SUPPORTED_PROTOCOL_VERSIONS.includes(version)) {
      const message = `Bad Request: unsupported protocol version "${version.slice(0, 50)}": expected one of ${
        SUPPORTED_PROTOCOL_VERSIONS.join(", ")
      }`;
      return toErrorResponse(400, { code: REFUSED, message });
    }
    return session;
  }
}
