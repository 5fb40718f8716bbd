/**
 * Errors in MCP's shape, without the protocol's library: most requests are for other doors.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import { maskSecrets } from "../../kit/log.ts";

const INVALID_PARAMS = -32602;
const INTERNAL_ERROR = -32603;
/** What servers of their own use between −32000 and −32099. */
const SERVER_ERROR = -32000;

/** What an error says in JSON-RPC. */
export interface PlainError {
  code: number;
  message: string;
  data?: unknown;
}

/** What isn't meant for others says nothing. */
export function toPlainError(thrown: unknown): PlainError {
  const { name, message, details, retryAfter, status } = AppError.from(thrown);
  const isInput = status === 400 || status === 404 || status === 409 || status === 410;
  return {
    code: isInput ? INVALID_PARAMS : status === 500 ? INTERNAL_ERROR : SERVER_ERROR,
    message: maskSecrets(message),
    data: { error: name, ...details && { details }, ...retryAfter !== undefined && { retry_after: retryAfter } },
  };
}

/** An error over HTTP that answers no single request. */
export function toErrorResponse(status: number, error: PlainError): Response {
  return Response.json({ jsonrpc: "2.0", id: null, error }, { status });
}

/** An error before a message could be looked at. */
export function toMcpResponse(error: AppError): Response {
  const response = toErrorResponse(error.status, toPlainError(error));
  if (error.retryAfter !== undefined) response.headers.set("retry-after", String(Math.ceil(error.retryAfter)));
  return response;
}

/** Whether requests to `path` expect errors in this shape. */
export function isMcpPath(path: string): boolean {
  return /^\/mcp(\/ws)?$|^\/(api\/)?v1\/mcp\/(stream|message)$/.test(path);
}
