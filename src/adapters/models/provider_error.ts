/**
 * What providers answer when they don't answer, as our errors.
 *
 * @module
 */
import { AppError, type AppErrorOptions } from "../../domain/error.ts";
import { maskSecrets } from "../../kit/log.ts";
import type { Target } from "./source.ts";

const MAX_BODY = 64 * 1024;
const MAX_MESSAGE = 500;

/** A failure of a provider, and whether the same request may succeed later. */
export class ProviderError extends AppError {
  readonly retryable: boolean;

  constructor(message: string, options: AppErrorOptions & { retryable: boolean }) {
    super("UpstreamError", message, options);
    this.retryable = options.retryable;
  }
}

/** `text` without the key that was used, without what looks like one, and short. */
export function toSafeText(text: string, apiKey: string | null): string {
  const plain = apiKey && apiKey.length >= 4 ? text.replaceAll(apiKey, "[masked]") : text;
  const safe = maskSecrets(plain).trim();
  return safe.length > MAX_MESSAGE ? `${safe.slice(0, MAX_MESSAGE - 1)}…` : safe;
}

/** The message in an error body, whatever its shape. */
export function readMessage(body: unknown): string {
  if (typeof body === "string") return body;
  if (Array.isArray(body)) return readMessage(body[0]);
  if (typeof body !== "object" || body === null) return "";
  const { error, message, detail } = body as Record<string, unknown>;
  return readMessage(error ?? message ?? detail);
}

/** Seconds to wait according to `retry-after-ms` or `retry-after` (seconds or a date). */
export function readRetryAfter(headers: { get(name: string): string | null }, now: number): number | undefined {
  const ms = Number(headers.get("retry-after-ms") ?? NaN);
  if (ms >= 0) return ms / 1000;
  const text = headers.get("retry-after");
  if (text === null) return undefined;
  const seconds = Number(text);
  if (seconds >= 0) return seconds;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, (date - now) / 1000);
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

async function readText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    // Leaving the loop cancels the rest.
    if (text.length > MAX_BODY) break;
  }
  return text;
}

/** The error for `response`, its body read within bounds. */
export async function fromResponse(target: Target, response: Response, now: number): Promise<ProviderError> {
  let message = "";
  try {
    const text = await readText(response);
    // A page of HTML says nothing a caller could use.
    message = text.startsWith("<") ? "" : text;
    message = readMessage(JSON.parse(text)) || message;
  } catch {
    // The status alone has to do.
  }
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
