/**
 * Messages of the older era (2025-11-25 and before), as they go over the wire.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { type TestServer, USER_KEY } from "./server.ts";
import type { Json } from "./story.ts";

/** Begins a session. */
export const INITIALIZE = {
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "tests", version: "1" } },
};

/** Asks for nothing. */
export const ping = { jsonrpc: "2.0", id: 2, method: "ping" };

/** Options of {@linkcode legacy}. */
export interface LegacyOptions {
  key?: string | null;
  headers?: Record<string, string>;
  method?: string;
  signal?: AbortSignal;
}

/** Sends `body` to the server's address; text as it is. */
export function legacy(
  server: TestServer,
  body: unknown,
  { key = USER_KEY, headers = {}, method = "POST", signal }: LegacyOptions = {},
): Promise<Response> {
  return fetch(`${server.url}/mcp`, {
    method,
    headers: {
      ...key !== null && { authorization: `Bearer ${key}` },
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      ...headers,
    },
    ...method === "POST" && { body: typeof body === "string" ? body : JSON.stringify(body) },
    ...signal && { signal },
  });
}

/** Opens a session and gives its id. */
export async function open(server: TestServer, key?: string): Promise<string> {
  const response = await legacy(server, INITIALIZE, key === undefined ? {} : { key });
  assert.equal(response.status, 200, await response.text());
  return response.headers.get("mcp-session-id")!;
}

/** The status of an answer, which is read to its end. */
export async function statusOf(response: Response): Promise<number> {
  await response.text();
  return response.status;
}

/** A WebSocket of this door, and what comes over it. */
export interface Socket {
  socket: WebSocket;
  /** Every message so far. */
  got: Json[];
  /** Resolves with the code it is closed with. */
  closed: Promise<number>;
}

/** Opens one, and says what is `said` as soon as it is open. */
export async function openSocket(server: TestServer, key: string, said: unknown[] = []): Promise<Socket> {
  const socket = new WebSocket(`${server.url.replace("http", "ws")}/mcp/ws`, {
    headers: { authorization: `Bearer ${key}` },
  });
  const got: Json[] = [];
  socket.onmessage = ({ data }) => void got.push(JSON.parse(data));
  const closed = new Promise<number>((resolve) => socket.onclose = ({ code }) => resolve(code));
  await new Promise<void>((resolve, reject) => {
    socket.onopen = () => resolve();
    socket.onerror = () => reject(new Error("Cannot open the WebSocket"));
  });
  for (const message of said) socket.send(JSON.stringify(message));
  return { socket, got, closed };
}
