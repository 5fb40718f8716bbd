/**
 * Answers: values and the one error shape.
 *
 * @module
 */
import type { AppError } from "../../domain/error.ts";
import { maskSecrets } from "../../kit/log.ts";

const JSON_TYPE = { "content-type": "application/json; charset=utf-8" };

/** The one error shape (the seeds'). */
export function toErrorBody(error: AppError, request_id: string): Record<string, unknown> {
  return {
    error: error.name,
    message: maskSecrets(error.message),
    statusCode: error.status,
    timestamp: Date.now(),
    details: error.details ? masked(error.details) : {},
    request_id,
  };
}

/** What a caller sent may stand in the details, a key put in the wrong place among it. */
function masked(details: object): unknown {
  return JSON.parse(JSON.stringify(details, (_, value) => typeof value === "string" ? maskSecrets(value) : value));
}

/** An error as an answer. */
export function toErrorResponse(error: AppError, request_id: string): Response {
  const headers = new Headers(JSON_TYPE);
  if (error.retryAfter !== undefined) headers.set("retry-after", String(Math.ceil(error.retryAfter)));
  if (error.name === "UnauthorizedError") headers.set("www-authenticate", 'Bearer realm="muxi"');
  return new Response(JSON.stringify(toErrorBody(error, request_id)), { status: error.status, headers });
}

/** A value as an answer. */
export function toResponse(value: unknown, status: number): Response {
  if (status === 204) return new Response(null, { status });
  return new Response(JSON.stringify(value), { status, headers: JSON_TYPE });
}
