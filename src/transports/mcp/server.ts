/**
 * A catalog as a server of the protocol, for one connection, session or request.
 *
 * @module
 */
import {
  CLIENT_CAPABILITIES_META_KEY,
  type ClientCapabilities,
  type Result,
  Server,
  type ServerContext,
  type ServerOptions,
} from "@modelcontextprotocol/server";
import type { Visit } from "../../operations/operation.ts";
import type { Ask, Catalog, Change } from "./catalog.ts";
import { toProtocolError } from "./errors.ts";
import { type Answer, type MethodName, METHODS } from "./methods.ts";
import { addTasks } from "./task_methods.ts";

/** Options of {@linkcode createServer}. */
export interface CreateServerOptions {
  /** Who asks in `ctx`. */
  visitOf(ctx: ServerContext): Visit;
  /** Takes `resources/subscribe`; rejects for what can't be watched. */
  subscribe(uri: string, visit: Visit): Promise<void>;
  unsubscribe(uri: string): void;
}

/** Makes a server. It holds nothing of its own; everything is the catalog's. */
export function createServer(catalog: Catalog, options: CreateServerOptions): Server {
  const server = new Server(catalog.info, serverOptionsOf(catalog));
  addMethods(server, catalog, options);
  return server;
}

/** What a server says of itself. */
export function serverOptionsOf({ instructions, capabilities }: Catalog): ServerOptions {
  return { capabilities, ...instructions !== undefined && { instructions } };
}

/** Answers every method from `catalog`. */
export function addMethods(server: Server, catalog: Catalog, options: CreateServerOptions): void {
  const askOf = (ctx: ServerContext): Ask => toAsk(ctx, options.visitOf(ctx), clientOf(ctx, server));
  for (const [method, answer] of Object.entries(METHODS) as [MethodName, Answer][]) {
    server.setRequestHandler(method, async ({ params = {} }: { params?: object | undefined }, ctx: ServerContext) => {
      try {
        // The SDK checks both: the parameters before, the result after.
        return await answer(catalog, params as Parameters<Answer>[1], askOf(ctx)) as Result & never;
      } catch (thrown) {
        throw toProtocolError(thrown);
      }
    });
  }
  server.setRequestHandler("resources/subscribe", async ({ params: { uri } }, ctx) => {
    try {
      await options.subscribe(uri, options.visitOf(ctx));
      return {};
    } catch (thrown) {
      throw toProtocolError(thrown);
    }
  });
  server.setRequestHandler("resources/unsubscribe", ({ params: { uri } }) => {
    options.unsubscribe(uri);
    return {};
  });
  if (catalog.tasks) addTasks(server, catalog.tasks, askOf);
}

/** Tells a server's client what is another now. */
export async function tellChange(server: Server, change: Change): Promise<void> {
  if (change.kind === "tools") await server.sendToolListChanged();
  else if (change.kind === "prompts") await server.sendPromptListChanged();
  else if (change.kind === "resources") await server.sendResourceListChanged();
  else await server.sendResourceUpdated({ uri: change.uri });
}

function clientOf(ctx: ServerContext, server: Server): ClientCapabilities {
  const envelope = ctx.mcpReq.envelope as Record<string, unknown> | undefined;
  return (envelope?.[CLIENT_CAPABILITIES_META_KEY] ?? server.getClientCapabilities() ?? {}) as ClientCapabilities;
}

function toAsk({ mcpReq }: ServerContext, visit: Visit, client: ClientCapabilities): Ask {
  const progressToken = mcpReq._meta?.progressToken;
  const state = mcpReq.requestState();
  const lost = () => {};
  return {
    visit: { ...visit, signal: mcpReq.signal },
    client,
    log: (level, data) => void mcpReq.log(level, data).catch(lost),
    answers: mcpReq.inputResponses ?? {},
    ...typeof state === "string" && { state },
    ...mcpReq.envelope === undefined && { stays: true as const },
    ...progressToken !== undefined && {
      onProgress: (progress) =>
        void mcpReq.notify({ method: "notifications/progress", params: { ...progress, progressToken } }).catch(lost),
    },
  };
}
