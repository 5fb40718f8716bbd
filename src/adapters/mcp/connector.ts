/**
 * Connections to tool servers, of every kind and era.
 *
 * @module
 */
import { McpFailure, type McpServer, type McpServerType } from "../../domain/mcp_server.ts";
import { type Log, maskSecrets } from "../../kit/log.ts";
import type { McpConnection, McpConnectOptions, McpConnector } from "../../ports/mcp_client.ts";
import type { McpSignIns } from "../../ports/mcp_tokens.ts";
import { followChanges } from "./changes.ts";
import { type Channel, type ChannelDeps, openChannel } from "./channel.ts";
import { type ClientInfo, connectClient, type ServerRequest } from "./client.ts";
import { Connection } from "./connection.ts";
import { type CredentialsDeps, redact, resolveCredentials, type Resolved } from "./credentials.ts";
import { DirectRequests } from "./direct_requests.ts";
import { toFailure } from "./failure.ts";
import { FloodGate } from "./flood.ts";
import { findSignIn } from "./oauth_provider.ts";
import { OpenCalls } from "./open_calls.ts";
import { OpenTasks } from "./open_tasks.ts";
import { createQuestions } from "./questions.ts";
import { finishSignIn } from "./sign_in.ts";
import { Silence } from "./silence.ts";
import { relatedTask } from "./task_state.ts";
import { UserConnections } from "./user_connections.ts";

/** Since then servers needn't be asked to `initialize`. */
const NEWER_ERA = "2026-07-28";

/** How much is quoted of what is no message. */
const MAX_NOISE = 120;

const FLOODED = "It sent more messages than anybody can read";

/** Parts of {@linkcode createMcpConnector}. */
export interface McpConnectorDeps extends ChannelDeps, CredentialsDeps {
  info: ClientInfo;
  log: Log;
}

/** The same, with what is learned of servers. */
interface Deps extends McpConnectorDeps {
  /** Names of servers that ask without saying in which call. */
  askers: Set<string>;
}

/** Builds a connector. */
export function createMcpConnector(given: McpConnectorDeps): McpConnector & McpSignIns {
  const deps: Deps = { ...given, askers: new Set() };
  return {
    connect: (server, options) => connect(server, options, deps),
    findSignIn: async (state) => deps.oauth && await findSignIn(state, { ...deps.oauth, ...deps }),
    finishSignIn(server, answer) {
      if (deps.oauth) return finishSignIn(server, answer, { ...deps.oauth, ...deps });
      throw new McpFailure("unauthorized", `Cannot sign in at tool server "${server.name}": tokens aren't kept`, {
        sent: false,
      });
    },
  };
}

async function connect(server: McpServer, options: McpConnectOptions, deps: Deps): Promise<McpConnection> {
  const resolved = await resolveCredentials(server, deps);
  const types = typesOf(server, options.remembered?.type);
  let first: unknown;
  for (const type of types) {
    try {
      return await connectBy(type, server, { ...options, resolved }, deps);
    } catch (error) {
      first ??= error;
      // A server of the oldest kind refuses what it doesn't know; anything else is no matter of kinds.
      if (!(error instanceof McpFailure) || !["refused", "protocol"].includes(error.kind)) break;
    }
  }
  throw first;
}

/** The kinds of connection to be tried, in turn. */
function typesOf({ type, command, url }: McpServer, remembered: McpServerType | undefined): McpServerType[] {
  if (type) return [type];
  if (command !== undefined) return ["command_line"];
  if (url?.startsWith("ws")) return ["websocket"];
  return remembered === "http_sse" ? ["http_sse", "streamable_http"] : ["streamable_http", "http_sse"];
}

interface Attempt extends McpConnectOptions {
  resolved: Resolved;
  user_id?: string;
}

/** Connects in the era that is remembered, else in the newest that both know. */
async function connectBy(
  type: McpServerType,
  server: McpServer,
  options: Attempt,
  deps: Deps,
): Promise<Connection> {
  const { remembered } = options;
  const old = remembered !== undefined && remembered.type === type && remembered.era < NEWER_ERA;
  try {
    return await connectOnce(type, server, { ...options, legacy: old }, deps);
  } catch (error) {
    options.signal.throwIfAborted();
    if (!(error instanceof McpFailure)) throw error;
    // It may have been renewed since; or it may not have survived the question which era it is of.
    const worthwhile = old
      ? error.kind === "refused" || error.kind === "protocol"
      : error.kind === "closed" || Number(error.details?.status) >= 500;
    if (!worthwhile) throw error;
    return await connectOnce(type, server, { ...options, legacy: !old }, deps).catch((again) => {
      throw old ? again : error;
    });
  }
}

async function connectOnce(
  type: McpServerType,
  server: McpServer,
  options: Attempt & { legacy: boolean },
  deps: Deps,
): Promise<Connection> {
  const { clock, log, info } = deps;
  const { resolved, handlers, signal, legacy } = options;
  const timeout_ms = server.timeout_seconds === undefined ? options.timeout_ms : server.timeout_seconds * 1000;
  const max_timeout_ms = server.max_timeout_seconds === undefined
    ? options.max_timeout_ms
    : server.max_timeout_seconds * 1000;
  const silence = new Silence(clock);
  const questions = createQuestions({ handlers, silence });
  const over = new AbortController();
  const calls = new OpenCalls({ server: server.name, askers: deps.askers, clock });
  const tasks = new OpenTasks();
  let channel: Channel | undefined;
  try {
    const flood = new FloodGate({ clock, onFlood: () => void channel?.end(FLOODED).catch(() => {}) });
    channel = await openChannel(server, {
      type,
      resolved,
      signal,
      user_id: options.user_id,
      hold: (work) => silence.during(work),
      onNoise: (line = "") => {
        flood.pass();
        const words = maskSecrets(redact(line, resolved.secrets.all)).replaceAll(/\s+/g, " ").trim();
        if (words !== "") handlers.onNoise?.(words.length > MAX_NOISE ? `${words.slice(0, MAX_NOISE)}…` : words);
      },
    }, deps);
    const direct = new DirectRequests(channel.transport, { clock, silence, flood });
    direct.onTaskStatus = (params) => tasks.tell(params);
    const ask = async ({ method, params, signal }: ServerRequest) => {
      const task = relatedTask(params);
      const known = task === undefined ? direct.askedIn : await tasks.callOf(task);
      // What is asked in a task of which nobody knows is asked in no call.
      if (task !== undefined && known === undefined) return await questions(method, params, { signal });
      return await calls.asking({ known, signal }, (asked) => questions(method, params, { signal, ...asked }));
    };
    const client = await connectClient(server, direct, {
      info,
      legacy,
      timeout_ms,
      signal,
      // Until it is clear whom it asks, the server waits for us.
      answer: (request) => silence.during(() => ask(request)),
    });
    followChanges({ client, handlers, secrets: resolved.secrets, clock, log, signal: over.signal });
    const { secrets } = resolved;
    const perUser = server.oauth?.per_user === true && options.user_id === undefined;
    const users = perUser && new UserConnections((user_id) => {
      const own = { ...handlers, onListChanged: () => {}, onResourceUpdated: () => {} };
      return connectBy(type, server, { ...options, handlers: own, signal: over.signal, user_id }, deps);
    });
    return new Connection(server, {
      client,
      direct,
      channel,
      questions,
      secrets,
      clock,
      log,
      timeout_ms,
      max_timeout_ms,
      onResourceUpdated: (uri) => handlers.onResourceUpdated(uri),
      calls,
      tasks,
      silence,
      over,
      user_id: options.user_id,
      ...users && { users },
    });
  } catch (thrown) {
    signal.throwIfAborted();
    const { ending } = (channel?.transport ?? {}) as { ending?: Error };
    throw toFailure(ending ?? thrown, {
      what: `connect to tool server "${server.name}"`,
      secrets: resolved.secrets.all,
      session: false,
      // Nothing was asked of it yet that it could have done.
      sent: false,
      challenge: channel?.fetch?.challenge,
      network: channel?.fetch?.failure,
      sign_in_url: channel?.provider?.sign_in_url,
      user_id: options.user_id,
    });
  }
}
