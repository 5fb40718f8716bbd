/**
 * The ways to a server.
 *
 * @module
 */
import { AsyncLocalStorage } from "node:async_hooks";
import {
  InsufficientScopeError,
  SSEClientTransport,
  StreamableHTTPClientTransport,
  type Transport,
} from "@modelcontextprotocol/client";
import type { McpServer, McpServerType } from "../../domain/mcp_server.ts";
import type { Clock } from "../../kit/clock.ts";
import type { Process, SandboxReport } from "../../ports/sandbox.ts";
import type { OpenBodies } from "./bounded_body.ts";
import type { Resolved } from "./credentials.ts";
import { ChannelEnded } from "./ending.ts";
import { type OAuthDeps, OAuthProvider } from "./oauth_provider.ts";
import { createServerFetch, type ServerFetch } from "./server_fetch.ts";
import { StdioTransport } from "./stdio_transport.ts";
import { TokenGate } from "./token_gate.ts";
import { WebSocketTransport } from "./websocket_transport.ts";

/** A way to a server, not yet begun. */
export interface Channel {
  type: McpServerType;
  transport: Transport;
  /** Ends it for a reason of ours, which those who wait are told. */
  end(reason: string): Promise<void>;
  /** Tells the server that its session is over, where it keeps one. */
  leave?: () => Promise<void>;
  fetch?: ServerFetch;
  provider?: OAuthProvider;
  report?: SandboxReport;
}

/** Does what a program has to wait for, such as asking a person for it; that time isn't counted as the program's. */
export type Hold = <T>(work: () => Promise<T>) => Promise<T>;

/** Parts of {@linkcode openChannel}. */
export interface ChannelDeps {
  /** Starts the program of a `command_line` server, whose `env` is complete. */
  spawn: (server: McpServer, signal: AbortSignal, hold: Hold) => Promise<Process>;
  clock: Clock;
  oauth?: OAuthDeps;
}

/** What a channel is opened with. */
export interface ChannelOptions {
  type: McpServerType;
  resolved: Resolved;
  signal: AbortSignal;
  hold: Hold;
  /** Told of everything that comes and is no message; of a program's, the line. */
  onNoise: (line?: string) => void;
  /** Whose credentials are used, where each user has their own. */
  user_id?: string | undefined;
}

/** Opens the way of `type` to `server`. */
export async function openChannel(server: McpServer, options: ChannelOptions, deps: ChannelDeps): Promise<Channel> {
  const { type, resolved, signal, hold, onNoise } = options;
  if (type === "command_line") {
    const process = await deps.spawn({ ...server, env: resolved.env }, signal, hold);
    const transport = new StdioTransport(process, { onNoise });
    return { type, transport, end: (reason) => transport.end(reason), report: process.report };
  }
  const url = new URL(server.url!);
  if (type === "websocket") {
    const transport = new WebSocketTransport(url, { ...resolved, clock: deps.clock, onNoise });
    return { type, transport, end: (reason) => transport.end(reason) };
  }
  return openHttp(server, url, options, deps);
}

function openHttp(
  server: McpServer,
  url: URL,
  { type, resolved, user_id }: ChannelOptions,
  deps: ChannelDeps,
): Channel {
  const bodies: OpenBodies = new Set();
  const serverFetch = createServerFetch(url, resolved, bodies);
  // Who was given a key for the server wants that to be used.
  const given = Object.keys(resolved.headers).some((name) => name.toLowerCase() === "authorization");
  const provider = deps.oauth && !given
    ? new OAuthProvider(server, { ...deps.oauth, clock: deps.clock, secrets: resolved.secrets }, user_id)
    : undefined;
  const gate = provider && new TokenGate({ provider, url, fetch: serverFetch, clock: deps.clock });
  const common = { fetch: serverFetch, ...gate && { authProvider: gate } };
  const retries = new Set<Disposable>();
  const transport = type === "http_sse" ? new SSEClientTransport(url, common) : new StreamableHTTPClientTransport(url, {
    ...common,
    reconnectionOptions: RECONNECTION,
    reconnectionScheduler: (reconnect, delay) => later(deps.clock, retries, { reconnect, delay }),
  });
  const close = transport.close.bind(transport);
  transport.close = async () => {
    for (const retry of retries) retry[Symbol.dispose]();
    await close();
  };
  if (gate) withStepUp(transport, gate);
  const channel: Channel = {
    type: type === "http_sse" ? type : "streamable_http",
    transport,
    fetch: serverFetch,
    ...provider && { provider },
    end: (reason) => {
      Object.assign(transport, { ending: new ChannelEnded(reason) });
      return transport.close();
    },
  };
  if (transport instanceof StreamableHTTPClientTransport) channel.leave = () => transport.terminateSession();
  return channel;
}

/** A message that was refused for want of a scope is sent once more when that was granted. */
function withStepUp(transport: Transport, gate: TokenGate): void {
  const send = transport.send.bind(transport);
  transport.send = (message, options) =>
    send(message, options).catch(async (error) => {
      if (!(error instanceof InsufficientScopeError)) throw error;
      await gate.stepUp(error);
      await send(message, options);
    });
}

/** How a broken stream is taken up again. */
const RECONNECTION = {
  initialReconnectionDelay: 1_000,
  maxReconnectionDelay: 30_000,
  reconnectionDelayGrowFactor: 1.5,
  maxRetries: 3,
};

/** The SDK remembers only the last of these; all of them have to go with the connection. */
function later(
  clock: Clock,
  retries: Set<Disposable>,
  { reconnect, delay }: { reconnect: () => void; delay: number },
): () => void {
  // What comes on the new stream belongs to the request of the old one.
  const again = AsyncLocalStorage.bind(reconnect);
  const retry = clock.after(delay, () => {
    retries.delete(retry);
    again();
  });
  retries.add(retry);
  return () => retry[Symbol.dispose]();
}
