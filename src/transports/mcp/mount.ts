/**
 * The door for clients of the Model Context Protocol.
 *
 * @module
 */
import type { Hono } from "@hono/hono";
import type { Gateway } from "../../operations/gateway.ts";
import { mcpMessage, mcpStream } from "../../operations/mcp.ts";
import { type HttpContext, type HttpEnv, routesOf } from "../request.ts";
import type { Catalog } from "./catalog.ts";
import type { McpDeps } from "./door.ts";
import { describe, METADATA_PATH } from "./protected_resource.ts";

/** What the door is mounted with. */
export interface MountMcpDeps extends Omit<McpDeps, "catalog" | "soon"> {
  /** Gives the catalog, at the first request: the protocol's library is loaded only when somebody speaks it. */
  openCatalog(): Promise<Catalog>;
}

/** What is open. Disposing it ends every session and stream. */
export interface McpDoor extends Disposable {
  /** How many sessions of the older era there are. */
  readonly sessions: number;
}

type Doors = Awaited<ReturnType<typeof openDoors>>;

/**
 * How long an answer may take before it becomes a stream. With less, plain answers became streams, which cost more,
 * whenever the machine was busy; with more, clients that leave are noticed later.
 */
const SOON_MS = 200;

/** Adds the routes. Each uses access, limit and audit of `mcp_request`, and of what is asked for through it. */
export function mountMcp(app: Hono<HttpEnv>, gateway: Gateway, deps: MountMcpDeps): McpDoor {
  let opening: Promise<Doors> | undefined;
  let doors: Doors | undefined;
  let isOver = false;
  const by = (answer: (doors: Doors, c: HttpContext) => Promise<Response>) => async (c: HttpContext) => {
    doors ??= await (opening ??= openDoors(gateway, deps));
    if (isOver) doors[Symbol.dispose]();
    return await answer(doors, c);
  };
  app.on(["GET", "POST", "DELETE"], "/mcp", by(({ http }, c) => http.answer(c)));
  app.get("/mcp/ws", by(({ sockets }, c) => sockets.answer(c)));
  app.on(...routesOf(mcpStream), by(({ sse }, c) => sse.stream(c)));
  app.on(...routesOf(mcpMessage), by(({ sse }, c) => sse.message(c)));
  const { tokens } = deps;
  if (tokens) app.on("GET", [METADATA_PATH, `${METADATA_PATH}/mcp`], (c) => describe(c, tokens));
  return {
    get sessions() {
      return doors?.http.sessions ?? 0;
    },
    [Symbol.dispose]() {
      isOver = true;
      doors?.[Symbol.dispose]();
    },
  };
}

async function openDoors(gateway: Gateway, { openCatalog, ...rest }: MountMcpDeps) {
  const [catalog, { Soon }, { StreamableHttp }, { WebSockets }, { HttpSse }] = await Promise.all([
    openCatalog(),
    import("./soon.ts"),
    import("./streamable_http.ts"),
    import("./websocket.ts"),
    import("./http_sse.ts"),
  ]);
  const deps: McpDeps = { ...rest, catalog, soon: new Soon(rest.clock, SOON_MS) };
  const [http, sockets, sse] = [
    new StreamableHttp(gateway, deps),
    new WebSockets(gateway, deps),
    new HttpSse(gateway, deps),
  ];
  return {
    http,
    sockets,
    sse,
    [Symbol.dispose]() {
      http[Symbol.dispose]();
      sockets[Symbol.dispose]();
    },
  };
}
