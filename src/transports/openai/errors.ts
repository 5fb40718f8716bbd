/**
 * Errors as OpenAI's clients read them.
 *
 * @module
 */
import type { z } from "zod";
import { AppError, type ErrorName } from "../../domain/error.ts";
import { maskSecrets } from "../../kit/log.ts";

/** OpenAI's shape of an error. */
export interface OpenAiError {
  error: { message: string; type: string; param: string | null; code: string | null };
}

/** What a refusal of this door says besides its message. */
export interface Refusal {
  /** The field of the request that is to blame, in OpenAI's spelling. */
  param?: string;
  /** OpenAI's word for it. */
  code?: string;
}

const TYPE: Partial<Record<ErrorName, string>> = {
  ForbiddenError: "permission_error",
  TooManyRequestsError: "requests",
  TimeoutError: "timeout_error",
  CancelledError: "cancelled_error",
};
const CODE: Partial<Record<ErrorName, string>> = {
  UnauthorizedError: "invalid_api_key",
  ForbiddenError: "insufficient_permissions",
  AgentNotFoundError: "model_not_found",
  TooManyRequestsError: "rate_limit_exceeded",
  PayloadTooLargeError: "request_too_large",
  TimeoutError: "timeout",
  CancelledError: "cancelled",
  UpstreamError: "upstream_error",
  UnavailableError: "service_unavailable",
};
/** What OpenAI calls the fields of our operations. */
const PARAM: readonly (readonly [RegExp, string])[] = [
  [/^options\.max_output_tokens\b/, "max_completion_tokens"],
  [/^options\./, ""],
  [/^agent_id$/, "model"],
  [/^response_format\.schema\b/, "response_format.json_schema.schema"],
  [/^(messages\.\d+)\.attachments\b.*/, "$1.content"],
];

/** What OpenAI's API has and its clients ask for. Files and conversations are not among it: they are operations of ours. */
const PATHS = new RegExp(
  "^/(api/)?v1/(models|chat/completions|responses|realtime|embeddings|completions|audio|images|videos|moderations|batches" +
    "|fine_tuning|vector_stores|assistants|threads|uploads|containers|evals)(/|$)",
);

/** Whether what goes wrong at `path` is told in OpenAI's words, also where there is nothing. */
export function isOpenAiPath(path: string): boolean {
  return PATHS.test(path);
}

/** A refusal of a request that can't be meant, or can't be done. */
export function invalid(message: string, { param, code }: Refusal = {}): AppError {
  return new AppError("ValidationError", message, {
    details: { ...param !== undefined && { param }, ...code !== undefined && { code } },
  });
}

/** A refusal of something that OpenAI's API has and this server has not. */
export function unsupported(param: string, reason: string): AppError {
  return invalid(`Cannot use "${param}": ${reason}`, { param, code: "unsupported_parameter" });
}

/** `value` as `schema` reads it. Throws `ValidationError` that names the first field that is wrong. */
export function parse<S extends z.ZodType>(schema: S, value: unknown, within = ""): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  const param = toParam(path, within);
  throw invalid(`Cannot read ${param === "" ? "the request" : `"${param}"`}: ${message}`.slice(0, 1000), {
    ...param !== "" && { param },
  });
}

/** A path as OpenAI writes it: `messages[0].content`. */
export function toParam(path: readonly PropertyKey[], within = ""): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number" || /^\d+$/.test(String(part))) return `${text}[${String(part)}]`;
    return text === "" ? String(part) : `${text}.${String(part)}`;
  }, within);
}

/** `error` in OpenAI's shape. */
export function toOpenAiError(error: AppError): OpenAiError {
  const { param, code, issues } = (error.details ?? {}) as { param?: unknown; code?: unknown; issues?: unknown };
  const status = error.status;
  return {
    error: {
      message: maskSecrets(error.message),
      type: TYPE[error.name] ?? (status >= 500 ? "server_error" : "invalid_request_error"),
      param: typeof param === "string" ? param : error.name === "AgentNotFoundError" ? "model" : toIssueParam(issues),
      code: typeof code === "string" ? code : CODE[error.name] ?? null,
    },
  };
}

function toIssueParam(issues: unknown): string | null {
  const field = Array.isArray(issues) ? issues[0]?.field : undefined;
  if (typeof field !== "string" || field === "") return null;
  const [pattern, name] = PARAM.find(([pattern]) => pattern.test(field)) ?? [/^/, ""];
  return toParam(field.replace(pattern, name).split("."));
}

/** `error` as an answer. */
export function toOpenAiResponse(error: AppError): Response {
  const headers = new Headers({ "content-type": "application/json; charset=utf-8" });
  if (error.retryAfter !== undefined) headers.set("retry-after", String(Math.ceil(error.retryAfter)));
  if (error.name === "UnauthorizedError") headers.set("www-authenticate", 'Bearer realm="muxi"');
  return new Response(JSON.stringify(toOpenAiError(error)), { status: error.status, headers });
}

/** The frame of an event stream that says that the answer failed. Nothing comes after it. */
export function toErrorFrame(error: AppError): string {
  return `data: ${JSON.stringify(toOpenAiError(error))}\n\n`;
}
