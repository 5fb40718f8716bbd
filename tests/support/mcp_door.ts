/**
 * The SDK's own client at the door of a test server.
 *
 * @module
 */
import { Client, type ClientOptions, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { ADMIN_KEY, type TestServer, USER_KEY } from "./server.ts";
import type { Json } from "./story.ts";

/** The revisions that clients are told to speak. */
export const ERAS = ["2026-07-28", "2025-11-25"] as const;
/** One of {@linkcode ERAS}. */
export type Era = typeof ERAS[number];

/** Options of {@linkcode connect}. */
export interface ConnectOptions {
  era?: Era;
  key?: string;
  capabilities?: ClientOptions["capabilities"];
  listChanged?: ClientOptions["listChanged"];
}

/** A client that says nothing by itself. */
export function createClient({ era = ERAS[0], capabilities = {}, listChanged }: ConnectOptions = {}): Client {
  return new Client({ name: "tests", version: "1.0.0" }, {
    capabilities,
    versionNegotiation: { mode: era === ERAS[0] ? { pin: era } : "legacy" },
    ...listChanged && { listChanged },
  });
}

/** A client that is connected. Disposing it ends its session, as `fetch` may forget to close a stream. */
export async function connect(
  server: TestServer,
  options: ConnectOptions = {},
): Promise<Client & AsyncDisposable> {
  const client = createClient(options);
  const headers = { authorization: `Bearer ${options.key ?? USER_KEY}` };
  const transport = new StreamableHTTPClientTransport(new URL(`${server.url}/mcp`), { requestInit: { headers } });
  await client.connect(transport);
  return Object.assign(client, {
    async [Symbol.asyncDispose]() {
      await transport.terminateSession();
      await client.close();
    },
  });
}

/** A request of the newest revision, as it goes over the wire. */
export function modern(
  server: TestServer,
  method: string,
  params: Record<string, unknown> = {},
  { key = USER_KEY as string | null, headers = {}, meta = {}, signal }: {
    key?: string | null;
    headers?: Record<string, string>;
    meta?: Record<string, unknown>;
    signal?: AbortSignal;
  } = {},
): Promise<Response> {
  const _meta = {
    "io.modelcontextprotocol/protocolVersion": ERAS[0],
    "io.modelcontextprotocol/clientCapabilities": {},
    ...meta,
  };
  const name = params.name ?? params.uri ?? params.taskId;
  return fetch(`${server.url}/mcp`, {
    method: "POST",
    headers: {
      ...key !== null && { authorization: `Bearer ${key}` },
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": ERAS[0],
      "mcp-method": method,
      ...typeof name === "string" && { "mcp-name": name },
      ...headers,
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params: { ...params, _meta } }),
    ...signal && { signal },
  });
}

/** The last message of an answer, whatever its form. */
export async function lastMessage(response: Response): Promise<Json> {
  const text = await response.text();
  const lines = text.split("\n").filter((line) => line.startsWith("data: "));
  return JSON.parse(lines.length > 0 ? lines.at(-1)!.slice("data: ".length) : text);
}

export { ADMIN_KEY, USER_KEY };
