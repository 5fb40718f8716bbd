/**
 * A session of the older era (2025-11-25 and before).
 *
 * @module
 */
import type {
  JSONRPCMessage,
  JSONRPCRequest,
  MessageExtraInfo,
  RequestId,
  Server,
  Transport,
  TransportSendOptions,
} from "@modelcontextprotocol/server";
import { AppError } from "../../domain/error.ts";
import type { Clock } from "../../kit/clock.ts";
import type { Visit } from "../../operations/operation.ts";
import type { Catalog, Change } from "./catalog.ts";
import type { Exchange } from "./exchange.ts";
import type { Outbox } from "./outbox.ts";
import { createServer, tellChange } from "./server.ts";
import { Watches } from "./watches.ts";

const LISTS: readonly Change[] = [{ kind: "tools" }, { kind: "prompts" }, { kind: "resources" }];

/** Whose a session is: the key that made it, and the user it stands for. */
export function ownerOf({ principal }: Visit): string {
  return JSON.stringify([principal.tenant_id, principal.key_id, principal.user_id ?? null]);
}

/** A server with what it has under way. Costs a few kilobytes while nothing is. */
export class Session implements Transport {
  readonly sessionId: string;
  readonly owner: string;
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage, extra?: MessageExtraInfo) => void;
  /** When something was last under way, in milliseconds. */
  used: number;
  #clock: Clock;
  #server: Server;
  #exchanges = new Map<RequestId, Exchange>();
  #feed: Outbox | undefined;
  #hasListened = false;
  #watches: Watches;

  constructor(catalog: Catalog, { id, visit, clock }: { id: string; visit: Visit; clock: Clock }) {
    this.sessionId = id;
    this.owner = ownerOf(visit);
    this.#clock = clock;
    this.used = clock.now();
    this.#server = createServer(catalog, {
      visitOf: (ctx) => ctx.http?.authInfo?.extra?.visit as Visit,
      subscribe: (uri, visit) => this.#watches.add(uri, visit),
      unsubscribe: (uri) => this.#watches.remove(uri),
    });
    this.#watches = new Watches({
      catalog,
      onChange: (change) => this.#tell(change),
      onOver: () => void this.#server.close(),
    });
  }

  /** The revision that was agreed on; undefined before that. */
  get revision(): string | undefined {
    return this.#server.getNegotiatedProtocolVersion();
  }

  /** Connects the server to this. */
  open(): Promise<void> {
    return this.#server.connect(this);
  }

  /** Notes that somebody uses it. */
  touch(): void {
    this.used = this.#clock.now();
  }

  /** Ends it, with all that is under way. */
  end(): Promise<void> {
    return this.#server.close();
  }

  /** Whether a request is being answered, or somebody listens. */
  get busy(): boolean {
    return this.#exchanges.size > 0 || this.#feed !== undefined;
  }

  /** Sends what belongs to no request to `feed` until `visit` ends. Throws `ConflictError` when another is open. */
  async listen(feed: Outbox, visit: Visit): Promise<void> {
    if (this.#feed) throw new AppError("ConflictError", "Cannot listen twice in one session");
    if (visit.signal.aborted) return;
    this.#feed = feed;
    visit.signal.addEventListener("abort", () => {
      if (this.#feed === feed) this.#feed = undefined;
      this.#watches.remove(undefined);
    }, { once: true });
    await this.#watches.add(undefined, visit);
    // What was missed between two streams isn't kept, so all of it may be another.
    if (this.#hasListened) this.#tellAll();
    this.#hasListened = true;
  }

  /** Hands a message in. `exchange` takes what belongs to a request. */
  receive(message: JSONRPCMessage, { visit, exchange }: { visit: Visit; exchange?: Exchange }): void {
    if (exchange) {
      const { id } = message as JSONRPCRequest;
      if (this.#exchanges.has(id)) {
        throw new AppError("ConflictError", `Cannot take request ${JSON.stringify(id)}: one with this id is under way`);
      }
      this.#exchanges.set(id, exchange);
    }
    const authInfo = { token: "", clientId: visit.principal.key_id, scopes: [], extra: { visit } };
    this.onmessage?.(message, { authInfo });
  }

  /** Stops working on a request that nobody waits for. */
  abandon(requestId: RequestId): void {
    this.#exchanges.delete(requestId);
    const params = { requestId, reason: "the client is gone" };
    this.onmessage?.({ jsonrpc: "2.0", method: "notifications/cancelled", params });
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  send(message: JSONRPCMessage, options?: TransportSendOptions): Promise<void> {
    const isAnswer = !("method" in message);
    const id = isAnswer ? (message as { id?: RequestId }).id : options?.relatedRequestId;
    const exchange = id === undefined ? undefined : this.#exchanges.get(id);
    if (exchange) exchange.send(message);
    else if (!isAnswer) this.#feed?.push(message);
    if (isAnswer && id !== undefined) this.#exchanges.delete(id);
    this.touch();
    return Promise.resolve();
  }

  close(): Promise<void> {
    const exchanges = new Set(this.#exchanges.values());
    this.#exchanges.clear();
    for (const exchange of exchanges) exchange.gone.abort();
    this.#feed?.end();
    this.#feed = undefined;
    this.#watches[Symbol.dispose]();
    this.onclose?.();
    return Promise.resolve();
  }

  #tell(change: Change): void {
    tellChange(this.#server, change).catch(() => {});
  }

  #tellAll(): void {
    for (const change of LISTS) this.#tell(change);
    for (const uri of this.#watches.uris) this.#tell({ kind: "resource", uri });
  }
}
