/**
 * The SDK's client on a channel: the era agreed on, its questions answered.
 *
 * @module
 */
import {
  Client,
  CLIENT_CAPABILITIES_META_KEY,
  CLIENT_INFO_META_KEY,
  type ClientCapabilities,
  PROTOCOL_VERSION_META_KEY,
} from "@modelcontextprotocol/client";
import type { McpServer } from "../../domain/mcp_server.ts";
import type { DirectRequests } from "./direct_requests.ts";
import { PROBE_MS } from "./limits.ts";
import type { Fields } from "./shape.ts";
import { TASKS_EXTENSION } from "./task_state.ts";

/** Who MUXI says it is. */
export interface ClientInfo {
  name: string;
  version: string;
}

/** What a server asks of us, by a request of its own. */
export interface ServerRequest {
  method: string;
  params: unknown;
  signal: AbortSignal;
}

/** Options for {@linkcode connectClient}. */
export interface ClientOptions {
  info: ClientInfo;
  /** Answers a request of the server, of the older era, in the protocol's own shape. */
  answer(request: ServerRequest): Promise<Fields>;
  /** `initialize` at once, without asking for the newer era. */
  legacy: boolean;
  timeout_ms: number;
  signal: AbortSignal;
}

/** Agrees with the server on an era. Rejects with what the SDK throws, or the signal's reason; the channel is closed then. */
export async function connectClient(
  server: McpServer,
  direct: DirectRequests,
  options: ClientOptions,
): Promise<Client> {
  const { info, legacy, timeout_ms, signal } = options;
  const capabilities: ClientCapabilities = {
    elicitation: { form: {}, url: {} },
    ...server.sampling !== "deny" && { sampling: {} },
  };
  const client = new Client(info, {
    capabilities,
    // Results are validated where their schemas are known to everybody, once.
    jsonSchemaValidator: {
      getValidator: () => (input) => ({ valid: true, data: input as never, errorMessage: undefined }),
    },
    versionNegotiation: {
      mode: legacy ? "legacy" : "auto",
      probe: { timeoutMs: "pid" in direct ? Math.min(PROBE_MS, timeout_ms) : timeout_ms },
    },
  });
  answerQuestions(client, capabilities, options);
  // Nothing but the end of its channel stops a negotiation.
  const stop = () => void direct.close().catch(() => {});
  signal.addEventListener("abort", stop, { once: true });
  try {
    signal.throwIfAborted();
    await client.connect(direct, { timeout: timeout_ms, signal });
  } catch (error) {
    await direct.close().catch(() => {});
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", stop);
  }
  if (client.getProtocolEra() === "modern") {
    // The SDK's client would not understand a task.
    const tasks = TASKS_EXTENSION in (client.getServerCapabilities()?.extensions ?? {});
    direct.envelope = {
      [PROTOCOL_VERSION_META_KEY]: client.getNegotiatedProtocolVersion(),
      [CLIENT_INFO_META_KEY]: info,
      [CLIENT_CAPABILITIES_META_KEY]: { ...capabilities, ...tasks && { extensions: { [TASKS_EXTENSION]: {} } } },
    };
  }
  return client;
}

function answerQuestions(
  client: Client,
  { sampling }: ClientCapabilities,
  { answer }: Pick<ClientOptions, "answer">,
): void {
  const methods = ["elicitation/create", ...sampling ? ["sampling/createMessage" as const] : []] as const;
  for (const method of methods) {
    client.setRequestHandler(method, async ({ params }, { mcpReq: { signal } }) =>
      // In the protocol's shape already.
      await answer({ method, params, signal }) as never);
  }
}
