/**
 * Errors in the protocol's shape.
 *
 * @module
 */
import { ProtocolError, type RequestId } from "@modelcontextprotocol/server";
import { toPlainError } from "./plain_error.ts";

/** `thrown` as an error of the protocol. */
export function toProtocolError(thrown: unknown): ProtocolError {
  if (thrown instanceof ProtocolError) return thrown;
  const { code, message, data } = toPlainError(thrown);
  return new ProtocolError(code, message, data);
}

/** A response that says what went wrong. */
export function toErrorMessage(id: RequestId | null, thrown: unknown): Record<string, unknown> {
  const { code, message, data } = toProtocolError(thrown);
  return { jsonrpc: "2.0", id, error: { code, message, ...data !== undefined && { data } } };
}
