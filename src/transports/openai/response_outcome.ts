/**
 * How a response ends, in OpenAI's words.
 *
 * @module
 */
import type { ErrorBody, ErrorName } from "../../domain/error.ts";
import type { FinishReason } from "../../domain/message.ts";
import type { Usage } from "../../domain/usage.ts";
import { maskSecrets } from "../../kit/log.ts";
import type { ResponseState, ResponseUsage } from "./response_shape.ts";

const FAILURE: Partial<Record<ErrorName, { code: string; type: string }>> = {
  TooManyRequestsError: { code: "rate_limit_exceeded", type: "requests" },
  ValidationError: { code: "invalid_prompt", type: "invalid_request_error" },
};

/** Why an answer is cut short; null when it is whole. */
export function toIncomplete(reason: FinishReason | undefined): ResponseState["incomplete_details"] {
  if (reason === "length") return { reason: "max_output_tokens" };
  return reason === "content_filter" ? { reason } : null;
}

/** Why a response failed. These codes are other ones than those of a request; some clients insist on a type besides. */
export function toResponseError({ error, message }: ErrorBody): ResponseState["error"] {
  const { code, type } = FAILURE[error] ?? { code: "server_error", type: "server_error" };
  return { code, message: maskSecrets(message), type, param: null };
}

/** What a response used. */
export function toResponseUsage(usage: Usage): ResponseUsage {
  const { input_tokens, output_tokens, total_tokens, cached_input_tokens = 0, reasoning_tokens = 0 } = usage;
  return {
    input_tokens,
    input_tokens_details: { cached_tokens: cached_input_tokens, cache_write_tokens: 0 },
    output_tokens,
    output_tokens_details: { reasoning_tokens },
    total_tokens,
  };
}
