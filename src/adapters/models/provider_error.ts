/**
 * What providers answer when they don't answer, as our errors.
 *
 * @module
 */
import { AppError, type AppErrorOptions } from "../../domain/error.ts";
import { readRefusal, readRetryAfter, toSafeText } from "../../kit/refusal.ts";
import type { Target } from "./source.ts";

/** A failure of a provider, and whether the same request may succeed later. */
export class ProviderError extends AppError {
  readonly retryable: boolean;

  constructor(message: string, options: AppErrorOptions & { retryable: boolean }) {
    super("UpstreamError", message, options);
    this.retryable = options.retryable;
  }
}

/** The error for an HTTP status other than success. */
export function fromStatus(target: Target, status: number, message: string, retryAfter?: number): ProviderError {
  const { provider, model, api_key } = target;
  const said = toSafeText(message, api_key);
  const tail = said === "" ? `status ${status}` : said;
  const details = { provider, model, status };
  const again = retryAfter === undefined ? {} : { retry_after: Math.ceil(retryAfter) };
  if (status === 401 || status === 403) {
    // What the provider says here often repeats a part of the key.
    const text = api_key
      ? `Provider "${provider}" refused the API key: check its setting (status ${status})`
      : `Provider "${provider}" wants an API key: none is set (status ${status})`;
    return new ProviderError(text, { details, retryable: false });
  }
  if (status === 404) {
    return new ProviderError(`Provider "${provider}" cannot find model "${model}": ${tail}`, {
      details,
      retryable: false,
    });
  }
  if (status === 429) {
    return new ProviderError(`Provider "${provider}" limits requests: ${tail}`, { details, ...again, retryable: true });
  }
  return new ProviderError(`Provider "${provider}" refused the request: ${tail}`, {
    details,
    ...again,
    retryable: status >= 500 || status === 408 || status === 409,
  });
}

/** The error for `response`, its body read within bounds. */
export async function fromResponse(target: Target, response: Response, now: number): Promise<ProviderError> {
  const message = await readRefusal(response);
  return fromStatus(target, response.status, message, readRetryAfter(response.headers, now));
}

/** The error for a connection that failed or broke. The address stays in the cause. */
export function fromConnection(target: Target, cause: unknown, begun: boolean): ProviderError {
  const { provider, model } = target;
  return new ProviderError(
    begun ? `The connection to provider "${provider}" broke` : `Cannot reach provider "${provider}"`,
    { cause, details: { provider, model }, retryable: true },
  );
}
