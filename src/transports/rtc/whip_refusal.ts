/**
 * Refusals of the WHIP door (RFC 9725), as problems (RFC 9457).
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import { maskSecrets } from "../../kit/log.ts";

const TITLE: Readonly<Record<number, string>> = {
  400: "Bad Request",
  412: "Precondition Failed",
  415: "Unsupported Media Type",
  422: "Unprocessable Content",
  428: "Precondition Required",
};

/** A refusal with a status that only this protocol has. */
export function refusal(status: 400 | 412 | 422 | 428, message: string): AppError {
  return new AppError("ValidationError", message, { details: { status } });
}

/** `error` as an answer. */
export function toWhipResponse(error: AppError): Response {
  const { details, retryAfter } = error;
  const status = typeof details?.status === "number" ? details.status : error.status;
  const headers = new Headers({ "content-type": "application/problem+json" });
  if (retryAfter !== undefined) headers.set("retry-after", String(Math.ceil(retryAfter)));
  if (status === 401) headers.set("www-authenticate", 'Bearer realm="muxi"');
  const problem = {
    type: "about:blank",
    title: TITLE[status] ?? error.name,
    status,
    detail: maskSecrets(error.message),
  };
  return new Response(JSON.stringify(problem), { status, headers });
}
