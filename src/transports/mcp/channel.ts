/**
 * A connection that stays and carries messages both ways: WebSocket, the older HTTP+SSE, standard input and output.
 *
 * @module
 */
import {
  isJSONRPCRequest,
  type JSONRPCMessage,
  parseJSONRPCMessage,
  type RequestId,
  type Server,
  type Transport,
} from "@modelcontextprotocol/server";
import { serveStdio, type StdioServerHandle } from "@modelcontextprotocol/server/stdio";
import type { Visit } from "../../operations/operation.ts";
import { AppError } from "../../domain/error.ts";
import { faultOf, NO_MESSAGE, readMessage } from "./batches.ts";
import type { Catalog } from "./catalog.ts";
import { toErrorMessage } from "./errors.ts";
import { createServer, tellChange } from "./server.ts";
import { Watches } from "./watches.ts";

/** The most requests of one connection that may be under way. */
const MAX_UNDER_WAY = 1000;
/** The most characters of messages that wait to be let in. */
const MAX_WAITING = 32_000_000;
const BUSY = { code: -32000, message: `Cannot take another request: ${MAX_UNDER_WAY} are under way` };

/** What a {@linkcode Channel} needs. */
export interface ChannelOptions {
  catalog: Catalog;
  /** Who is at the other end. Its signal ends the channel. */
  visit: Visit;
  /** Lets a message in that is taken as text, or rejects. Absent: every one is. */
  letIn?(): Promise<void>;
  /** Writes a message. */
  write(message: JSONRPCMessage | Record<string, unknown>): void;
  /** Called once when it is over. */
  onClose(): void;
}

/**
 * See the module. The SDK's entry for connections decides the era by the first
 * message, and whoever made the channel feeds it.
 */
export class Channel implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  #options: ChannelOptions;
  #handle: StdioServerHandle;
  #watches: Watches;
  #server: Server | undefined;
  #underWay = new Set<unknown>();
  /** Requests that are answered only at the end: they wait for news. */
  #listening = new Set<unknown>();
  #onAnswered = () => {};
  #isOver = false;
  /** Ends when the messages that came so far are taken. */
  #taken = Promise.resolve();
  #waiting = 0;

  constructor(options: ChannelOptions) {
    this.#options = options;
    const { catalog, visit } = options;
    this.#watches = new Watches({
      catalog,
      // The older era is told without asking; the newer one's entry drops what nobody asked for.
      onChange: (change) => void (this.#server && tellChange(this.#server, change).catch(() => {})),
      onOver: () => void this.end(),
    });
    // It only needs a transport; the name is that of its first use.
    this.#handle = serveStdio(() => this.#createServer(), { transport: this });
    visit.signal.addEventListener("abort", () => void this.end(), { once: true });
  }

  /** Begins to hear of changes, for which it needs a place among the caller's streams. Rejects where none is left. */
  open(): Promise<void> {
    return this.#watches.add(undefined, this.#options.visit);
  }

  /** Takes a message as text, after those before it. */
  take(text: string): Promise<void> {
    this.#waiting += text.length;
    if (this.#waiting > MAX_WAITING) return this.end();
    return this.#taken = this.#taken.then(() => this.#take(text)).finally(() => this.#waiting -= text.length);
  }

  /** Takes what came from the other end. */
  receive(body: unknown): void {
    let message: JSONRPCMessage;
    try {
      message = parseJSONRPCMessage(body);
    } catch {
      const error = { code: -32600, message: "Invalid Request: expected one JSON-RPC message" };
      return this.#options.write({ jsonrpc: "2.0", id: null, error });
    }
    if ("method" in message && "id" in message) {
      if (this.#underWay.size >= MAX_UNDER_WAY) {
        return this.#options.write({ jsonrpc: "2.0", id: message.id, error: BUSY });
      }
      this.#underWay.add(message.id);
      if (message.method === "subscriptions/listen") {
        this.#listening.add(message.id);
        this.#watchFor(message.params);
      }
    } else if ("method" in message && message.method === "notifications/cancelled") {
      // What was cancelled is not answered.
      this.#settle(message.params?.requestId);
    }
    this.onmessage?.(message);
  }

  /** Says what was wrong with something that could not be read. */
  refuse(thrown: unknown): void {
    this.#options.write(toErrorMessage(null, thrown));
  }

  /** Resolves when every request that came is answered, apart from those that wait for news, or when it is over. */
  async answered(): Promise<void> {
    await this.#taken;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onAnswered = () => {
      if (this.#isOver || this.#underWay.isSubsetOf(this.#listening)) resolve();
    };
    this.#onAnswered();
    await promise;
  }

  /** Ends it, with all that is under way. */
  async end(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onAnswered();
    this.#watches[Symbol.dispose]();
    await this.#handle.close();
    this.#options.onClose();
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  send(message: JSONRPCMessage): Promise<void> {
    this.#options.write(message);
    if (!("method" in message)) this.#settle((message as { id?: unknown }).id);
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.onclose?.();
    return this.end();
  }

  #settle(id: unknown): void {
    this.#underWay.delete(id);
    this.#listening.delete(id);
    this.#onAnswered();
  }

  async #take(text: string): Promise<void> {
    if (this.#isOver || !await this.#letIn(() => idOf(parse(text)))) return;
    const body = parse(text);
    if (Array.isArray(body)) return await this.#takeBatch(body);
    if (body !== undefined) return this.receive(body);
    this.refuse(new AppError("ValidationError", "Cannot read the message: it is not valid JSON"));
  }

  async #takeBatch(bodies: readonly unknown[]): Promise<void> {
    const fault = faultOf(bodies.map(readMessage), this.#server?.getNegotiatedProtocolVersion());
    if (fault !== undefined) {
      const { jsonrpc, id, error: { code } } = NO_MESSAGE;
      return this.#options.write({ jsonrpc, id, error: { code, message: `Invalid Request: ${fault}` } });
    }
    for (const [i, body] of bodies.entries()) {
      // The first was let in before it was read.
      if (this.#isOver || (i > 0 && !await this.#letIn(() => idOf(body)))) return;
      this.receive(body);
    }
  }

  /** Whether a message is let in; otherwise its sender is told why not. */
  async #letIn(idOf: () => RequestId | null): Promise<boolean> {
    try {
      await this.#options.letIn?.();
      return true;
    } catch (thrown) {
      this.#options.write(toErrorMessage(idOf(), thrown));
      const { status, details } = AppError.from(thrown);
      // Who goes on after that many refusals, or may not come any more, has to come anew.
      if (status === 401 || details?.blocked !== undefined) await this.end();
      return false;
    }
  }

  #createServer(): Server {
    const { catalog, visit } = this.#options;
    const server = createServer(catalog, {
      visitOf: () => visit,
      subscribe: (uri) => this.#watches.add(uri, visit),
      unsubscribe: (uri) => this.#watches.remove(uri),
    });
    return this.#server = server;
  }

  #watchFor(params: unknown): void {
    const { notifications } = (params ?? {}) as { notifications?: { resourceSubscriptions?: unknown } };
    const uris = notifications?.resourceSubscriptions;
    for (const uri of Array.isArray(uris) ? uris.filter((uri) => typeof uri === "string") : []) {
      // What can't be watched has no news.
      this.#watches.add(uri, this.#options.visit).catch(() => {});
    }
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Which request something is, if it is one. */
function idOf(body: unknown): RequestId | null {
  return isJSONRPCRequest(body) ? body.id : null;
}
