/**
 * The call of a tool as most clients of the newest revision send it.
 *
 * @module
 */
import {
  CLIENT_CAPABILITIES_META_KEY,
  CLIENT_INFO_META_KEY,
  type ClientCapabilities,
  PROTOCOL_VERSION_META_KEY,
  type RequestId,
} from "@modelcontextprotocol/server";

/** The newest revision of the protocol. */
export const MODERN_REVISION = "2026-07-28";

/** Keys of `_meta` that change nothing for a call. */
const KNOWN_META = [PROTOCOL_VERSION_META_KEY, CLIENT_CAPABILITIES_META_KEY, CLIENT_INFO_META_KEY, "progressToken"];

/** A call, read. */
export interface PlainCall {
  id: RequestId;
  name: string;
  args: Record<string, unknown>;
  client: ClientCapabilities;
  progressToken?: string | number;
  answers: Readonly<Record<string, unknown>>;
  state?: string;
}

type Fields = Record<string, unknown>;

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isId(value: unknown): value is RequestId {
  return typeof value === "string" || Number.isSafeInteger(value);
}

/**
 * Reads `body` as a call of a tool in which everything, headers included, is
 * beyond doubt; undefined for all else, which is for the SDK to serve or refuse.
 */
export function readPlainCall(headers: Headers, body: unknown): PlainCall | undefined {
  if (!isFields(body) || body.method !== "tools/call" || body.jsonrpc !== "2.0" || !isId(body.id)) return;
  const { params } = body;
  if (!isFields(params) || typeof params.name !== "string") return;
  const { name, arguments: args = {}, _meta: meta, inputResponses = {}, requestState: state } = params;
  if (!isFields(meta) || !isFields(args) || !isFields(inputResponses)) return;
  const client = meta[CLIENT_CAPABILITIES_META_KEY];
  const token = meta.progressToken;
  if (meta[PROTOCOL_VERSION_META_KEY] !== MODERN_REVISION || !isFields(client)) return;
  if (!isPlainInfo(meta[CLIENT_INFO_META_KEY]) || (token !== undefined && !isId(token))) return;
  if (Object.keys(meta).some((key) => key.startsWith("io.modelcontextprotocol/") && !KNOWN_META.includes(key))) return;
  if (state !== undefined && typeof state !== "string") return;
  if (headers.get("mcp-protocol-version") !== MODERN_REVISION || headers.get("mcp-method") !== "tools/call") return;
  if (headers.get("mcp-name") !== name || name.startsWith("=?")) return;
  return {
    id: body.id,
    name,
    args,
    client,
    answers: Object.fromEntries(Object.entries(inputResponses).filter(([, answer]) => isBare(answer))),
    ...token !== undefined && { progressToken: token },
    ...state !== undefined && { state },
  };
}

function isPlainInfo(info: unknown): boolean {
  if (info === undefined) return true;
  return isFields(info) && typeof info.name === "string" && typeof info.version === "string";
}

/** As the SDK has it: some clients wrap what they answer, which is then asked for again. */
function isBare(answer: unknown): boolean {
  return isFields(answer) && !("method" in answer) && !("result" in answer);
}
