/**
 * Calls of a tool over Streamable HTTP, the same towards every server, in the words of either era.
 *
 * @module
 */
import { toRequest, Wire } from "./wire.ts";

/** The newest revision, and the one before, which has sessions. */
export const ERAS = { modern: "2026-07-28", older: "2025-11-25" } as const;
/** One of {@linkcode ERAS}. */
export type Era = keyof typeof ERAS;

/** Where a tool is called, and how. */
export interface McpTarget {
  url: string;
  path?: string;
  key?: string;
  era: Era;
  /** A tool that gives its argument `message` back. */
  tool: string;
}

/** What a number of calls took. */
export interface CallRound {
  /** Calls a second. */
  rate: number;
  calls: number;
}

const ACCEPT = "application/json, text/event-stream";

function headersOf(session: string | undefined, { era, tool }: McpTarget): Record<string, string> {
  const revision = { "mcp-protocol-version": ERAS[era] };
  if (era === "modern") return { ...revision, "mcp-method": "tools/call", "mcp-name": tool };
  return { ...revision, ...session !== undefined && { "mcp-session-id": session } };
}

const META = {
  "io.modelcontextprotocol/protocolVersion": ERAS.modern,
  "io.modelcontextprotocol/clientInfo": { name: "bench", version: "1" },
  "io.modelcontextprotocol/clientCapabilities": {},
};

type Place = Pick<McpTarget, "url" | "path" | "key">;

/** Sends one message of the older era, and gives the headers of the answer, which is read to its end. */
export async function request(
  { url, path = "/mcp", key }: Place,
  message: Readonly<Record<string, unknown>>,
  session: string | undefined,
): Promise<Headers> {
  const response = await fetch(`${url}${path}`, {
    method: "POST",
    headers: {
      accept: ACCEPT,
      "content-type": "application/json",
      ...key !== undefined && { authorization: `Bearer ${key}` },
      ...session !== undefined && { "mcp-session-id": session, "mcp-protocol-version": ERAS.older },
    },
    body: JSON.stringify({ jsonrpc: "2.0", ...message }),
  });
  const text = await response.text();
  if (response.ok && !text.includes('"error":{"code":')) return response.headers;
  throw new Error(`Cannot send ${message.method} to ${url}: got status ${response.status}: ${text.slice(0, 200)}`);
}

/** Begins a session of the older era; gives its id, if the server keeps one. */
export async function openSession(place: Place): Promise<string | undefined> {
  const params = { protocolVersion: ERAS.older, capabilities: {}, clientInfo: { name: "bench", version: "1" } };
  const headers = await request(place, { id: 0, method: "initialize", params }, undefined);
  const session = headers.get("mcp-session-id") ?? undefined;
  await request(place, { method: "notifications/initialized" }, session);
  return session;
}

/** All ids have as many digits, so that a request is made once, and from then on only its id is written anew. */
const FIRST_ID = 10_000_000;

const encoder = new TextEncoder();

function toWords(id: string): string {
  return `hello ${id}.`;
}

function toCall(target: McpTarget, session: string | undefined): Uint8Array {
  const { url, path = "/mcp", key, era, tool } = target;
  const message = toWords(String(FIRST_ID));
  const params = { name: tool, arguments: { message }, ...era === "modern" && { _meta: META } };
  return toRequest(url, {
    method: "POST",
    path,
    accept: ACCEPT,
    headers: headersOf(session, target),
    body: { jsonrpc: "2.0", id: FIRST_ID, method: "tools/call", params },
    ...key !== undefined && { key },
  });
}

/** Calls the tool of one server. */
export class McpCaller {
  readonly #url: string;
  readonly #request: Uint8Array;
  /** Where the id stands in the request. */
  readonly #places: readonly number[];
  #next = FIRST_ID;

  private constructor(target: McpTarget, session: string | undefined) {
    this.#url = target.url;
    this.#request = toCall(target, session);
    const text = new TextDecoder().decode(this.#request);
    this.#places = Array.from(text.matchAll(RegExp(String(FIRST_ID), "g")), ({ index }) => index);
  }

  /** Begins. */
  static async open(target: McpTarget): Promise<McpCaller> {
    return new McpCaller(target, target.era === "older" ? await openSession(target) : undefined);
  }

  /** Makes `calls`, `at_once` of them at the same time, each of those over a connection of its own. */
  async measure(calls: number, at_once: number): Promise<CallRound> {
    const wires = await Promise.all(Array.from({ length: at_once }, () => Wire.open(this.#url)));
    let left = calls;
    const at = performance.now();
    await Promise.all(wires.map(async (wire) => {
      const request = this.#request.slice();
      while (left-- > 0) await this.#call(wire, request);
    }));
    const seconds = (performance.now() - at) / 1000;
    for (const wire of wires) wire[Symbol.dispose]();
    return { rate: calls / seconds, calls };
  }

  async #call(wire: Wire, request: Uint8Array): Promise<void> {
    const id = String(this.#next++);
    for (const at of this.#places) encoder.encodeInto(id, request.subarray(at));
    const words = toWords(id);
    const { status, firstMs } = await wire.ask(request, `"text":"${words}"`);
    if (status !== 200 || firstMs === undefined) {
      throw new Error(`Cannot use the answer to "${words}": got status ${status}, or not what was said`);
    }
  }
}
