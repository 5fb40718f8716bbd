/**
 * What speech servers answer when they don't answer, as our errors.
 *
 * @module
 */
import { AppError, type AppErrorOptions } from "../../domain/error.ts";
import { readRefusal, readRetryAfter, toSafeText } from "../../kit/refusal.ts";

/** A failure of a speech server, and whether the same request may succeed later. */
export class SpeechError extends AppError {
  readonly retryable: boolean;

  constructor(message: string, options: AppErrorOptions & { retryable: boolean }) {
    super("UpstreamError", message, options);
    this.retryable = options.retryable;
  }
}

/** Who failed. */
export interface Failing {
  /** The server's host and port. */
  name: string;
  model: string;
  api_key: string;
}

/** The error for a response other than success. */
export async function fromResponse({ name, model, api_key }: Failing, response: Response): Promise<SpeechError> {
  const said = toSafeText(await readRefusal(response), api_key);
  const { status } = response;
  const details = { server: name, model, status };
  const tail = said === "" ? `status ${status}` : said;
  if (status === 401 || status === 403) {
    // What is said here often repeats a part of the key.
    const why = api_key === "" ? "wants an API key: none is set" : "refused the API key: check its setting";
    return new SpeechError(`Speech server "${name}" ${why} (status ${status})`, { details, retryable: false });
  }
  const again = readRetryAfter(response.headers, Date.now());
  const options = { details, ...again !== undefined && { retry_after: again } };
  if (status === 429) {
    return new SpeechError(`Speech server "${name}" limits requests: ${tail}`, { ...options, retryable: true });
  }
  const retryable = status >= 500 || status === 408 || status === 409;
  return new SpeechError(`Speech server "${name}" refused the request: ${tail}`, { ...options, retryable });
}

/** The error for a connection that failed or broke. The address stays in the cause. */
export function fromConnection({ name, model }: Failing, cause: unknown, begun: boolean): SpeechError {
  const what = begun ? `The connection to speech server "${name}" broke` : `Cannot reach speech server "${name}"`;
  return new SpeechError(what, { cause, details: { server: name, model }, retryable: true });
}

/** The error for an answer that makes no sense. */
export function fromRubbish({ name, model }: Failing, what: string, cause?: unknown): SpeechError {
  return new SpeechError(`Speech server "${name}" ${what}`, {
    cause,
    details: { server: name, model },
    retryable: false,
  });
}

/** The error for work that was given up. */
export function toCancelled(reason: unknown): AppError {
  return reason instanceof AppError
    ? reason
    : new AppError("CancelledError", "The speech engine was stopped", { cause: reason });
}
