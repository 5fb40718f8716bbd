/**
 * Several messages in one, which a single revision of the protocol has.
 *
 * @module
 */
import {
  isInitializeRequest,
  isJSONRPCRequest,
  type JSONRPCMessage,
  parseJSONRPCMessage,
} from "@modelcontextprotocol/server";

const REVISION = "2025-03-26";

/** The most messages of a batch. */
export const MAX_BATCH = 32;

/** The answer to what is no message. */
export const NO_MESSAGE = {
  jsonrpc: "2.0",
  id: null,
  error: { code: -32600, message: "Invalid Request: expected one JSON-RPC message" },
};

/** The message in `body`, if it is one. */
export function readMessage(body: unknown): JSONRPCMessage | undefined {
  try {
    return parseJSONRPCMessage(body);
  } catch {
    return undefined;
  }
}

/** Why several messages can't be taken in one, by who agreed on `revision`. */
export function faultOf(
  messages: readonly (JSONRPCMessage | undefined)[],
  revision: string | undefined,
): string | undefined {
  const { length } = messages;
  if (revision !== REVISION) return `expected one JSON-RPC message: revision ${revision ?? "?"} has no batches`;
  if (length === 0 || length > MAX_BATCH) return `expected 1 to ${MAX_BATCH} messages in a batch, got ${length}`;
  if (messages.some(isInitializeRequest)) return "initialize has to come by itself";
  const ids = messages.filter(isJSONRPCRequest).map(({ id }) => id);
  return new Set(ids).size < ids.length ? "two requests of the batch have the same id" : undefined;
}
