/**
 * Requests of the newest revision, each of which stands for itself.
 *
 * @module
 */
import {
  createMcpHandler,
  InMemoryServerEventBus,
  isInputRequiredResult,
  type McpHttpHandler,
  type McpRequestContext,
  McpServer,
  MissingRequiredClientCapabilityError,
  ProtocolErrorCode,
  type Server,
  SERVER_INFO_META_KEY,
} from "@modelcontextprotocol/server";
import type { Clock } from "../../kit/clock.ts";
import type { Visit } from "../../operations/operation.ts";
import { endInTime } from "../in_time.ts";
import type { EventStreams } from "../streams.ts";
import type { CallOutcome, Catalog, Change } from "./catalog.ts";
import { toErrorMessage } from "./errors.ts";
import { Exchange } from "./exchange.ts";
import type { PlainCall } from "./plain_call.ts";
import { addMethods, createServer, serverOptionsOf } from "./server.ts";
import type { Soon } from "./soon.ts";
import { Watches } from "./watches.ts";

/** What {@linkcode Modern} needs. */
export interface ModernOptions {
  catalog: Catalog;
  streams: EventStreams;
  soon: Soon;
  clock: Clock;
  keepalive_ms: number;
}

/** The question of a client that is about to be told. */
const CAPABILITY_OF: Readonly<Record<string, "elicitation" | "sampling" | "roots">> = {
  "elicitation/create": "elicitation",
  "sampling/createMessage": "sampling",
  "roots/list": "roots",
};

const CHANGE_KIND = {
  tools: "tools_list_changed",
  prompts: "prompts_list_changed",
  resources: "resources_list_changed",
} as const;

/**
 * Plain calls of tools are answered here, as they are what a gateway does all
 * day; everything else, and everything doubtful, by the SDK's own handler.
 */
export class Modern implements Disposable {
  #options: ModernOptions;
  #handler: McpHttpHandler;
  /** Long calls that take the SDK's way stream from the start. */
  #calls: McpHttpHandler;
  #listening = new Set<McpHttpHandler>();

  constructor(options: ModernOptions) {
    this.#options = options;
    this.#handler = this.#createHandler();
    this.#calls = this.#createHandler({ responseMode: "sse" });
  }

  /** Answers a plain call. */
  async call(call: PlainCall, visit: Visit): Promise<Response> {
    const { catalog, streams, soon } = this.#options;
    const { id, name, args, progressToken, client, answers, state } = call;
    const exchange = new Exchange({ streams, soon, ids: [id], onGone: () => {} });
    const notify = (method: string, params: object) => exchange.send({ jsonrpc: "2.0", method, params: { ...params } });
    const ask = {
      visit: { ...visit, signal: exchange.gone.signal },
      client,
      answers,
      // Whoever wants logs says so in a way that is not plain.
      log: () => {},
      ...state !== undefined && { state },
      ...progressToken !== undefined && {
        onProgress: (progress: object) => notify("notifications/progress", { ...progress, progressToken }),
      },
    };
    catalog.callTool(name, args, ask).then((outcome) => {
      checkAnswerable(outcome, call);
      exchange.send({ jsonrpc: "2.0", id, result: this.#toResult(outcome) });
    }).catch((thrown) => {
      const message = toErrorMessage(id, thrown);
      const { code } = message.error as { code: number };
      if (code === ProtocolErrorCode.MissingRequiredClientCapability) exchange.status = 400;
      exchange.send(message);
    });
    return await exchange.respond();
  }

  /** Answers any request. */
  async answer(request: Request, body: unknown, visit: Visit): Promise<Response> {
    const { method, params } = body as { method?: string; params?: { name?: unknown } };
    const schema = method === "tools/call" ? this.#options.catalog.mirrored(String(params?.name), visit) : undefined;
    const extra = { visit, ...schema && { schema } };
    const options = { parsedBody: body, authInfo: { token: "", clientId: visit.principal.key_id, scopes: [], extra } };
    if (method === "subscriptions/listen") return await this.#listen(request, options, visit);
    return await (method === "tools/call" ? this.#calls : this.#handler).fetch(request, options);
  }

  [Symbol.dispose](): void {
    for (const handler of [this.#handler, this.#calls, ...this.#listening]) handler.close().catch(() => {});
  }

  #toResult(outcome: CallOutcome): Record<string, unknown> {
    const { info } = this.#options.catalog;
    const { _meta: meta } = outcome as { _meta?: object };
    return { resultType: "complete", ...outcome, _meta: { ...meta, [SERVER_INFO_META_KEY]: info } };
  }

  async #listen(
    request: Request,
    options: Parameters<McpHttpHandler["fetch"]>[1] & { parsedBody: unknown },
    visit: Visit,
  ): Promise<Response> {
    const { catalog, clock } = this.#options;
    const bus = new InMemoryServerEventBus();
    const handler = this.#createHandler({ bus });
    const gone = new AbortController();
    gone.signal.addEventListener("abort", () => void handler.close().catch(() => {}), { once: true });
    const watches = new Watches({
      catalog,
      onChange: (change) => bus.publish(toServerEvent(change)),
      onOver: () => gone.abort(),
    });
    const subscribe = bus.subscribe.bind(bus);
    bus.subscribe = (listener) => {
      const unsubscribe = subscribe(listener);
      this.#listening.add(handler);
      return () => {
        unsubscribe();
        watches[Symbol.dispose]();
        this.#listening.delete(handler);
        gone.abort();
      };
    };
    const response = await handler.fetch(request, options);
    if (bus.listenerCount === 0) return response;
    endInTime(gone, { principal: visit.principal, clock });
    const { notifications } =
      (options.parsedBody as { params: { notifications: { resourceSubscriptions?: string[] } } })
        .params;
    for (const uri of [undefined, ...notifications.resourceSubscriptions ?? []]) {
      // What can't be watched has no news.
      await watches.add(uri, visit).catch(() => {});
    }
    return response;
  }

  #createHandler(options: Parameters<typeof createMcpHandler>[1] = {}): McpHttpHandler {
    const { keepalive_ms: keepAliveMs } = this.#options;
    return createMcpHandler((context) => this.#createServer(context), { legacy: "reject", keepAliveMs, ...options });
  }

  #createServer({ authInfo }: McpRequestContext): Server | McpServer {
    const { catalog } = this.#options;
    const { schema } = authInfo!.extra as { schema?: Record<string, unknown> };
    const methods = {
      visitOf: () => authInfo!.extra!.visit as Visit,
      // These belong to the older era, which never comes here.
      subscribe: () => Promise.resolve(),
      unsubscribe: () => {},
    };
    if (!schema) return createServer(catalog, methods);
    const mirroring = new MirroringServer(catalog, schema);
    addMethods(mirroring.server, catalog, methods);
    return mirroring;
  }
}

/** Lets the SDK compare a call's arguments with the headers that repeat them. */
class MirroringServer extends McpServer {
  #schema: Record<string, unknown>;

  constructor(catalog: Catalog, schema: Record<string, unknown>) {
    super(catalog.info, serverOptionsOf(catalog));
    this.#schema = schema;
  }

  override toolInputSchemaJson(): Record<string, unknown> {
    return this.#schema;
  }
}

/** Nobody is asked what they can't answer. */
function checkAnswerable(outcome: CallOutcome, { client }: PlainCall): void {
  if (!isInputRequiredResult(outcome)) return;
  for (const [key, { method }] of Object.entries(outcome.inputRequests ?? {})) {
    const needed = CAPABILITY_OF[method];
    if (needed === undefined || client[needed] !== undefined) continue;
    throw new MissingRequiredClientCapabilityError(
      { requiredCapabilities: { [needed]: {} } },
      `Cannot request input "${key}" (${method}): the request's client capabilities do not declare it`,
    );
  }
}

function toServerEvent(change: Change) {
  if (change.kind === "resource") return { kind: "resource_updated" as const, uri: change.uri };
  return { kind: CHANGE_KIND[change.kind] };
}
