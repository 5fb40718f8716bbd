/**
 * The one error that may leave the server.
 *
 * @module
 */

/** Every class of error a caller can meet, with its HTTP status. */
export const ERROR_STATUS = {
  ValidationError: 400,
  UnauthorizedError: 401,
  ForbiddenError: 403,
  NotFoundError: 404,
  AgentNotFoundError: 404,
  ConversationNotFoundError: 404,
  RunNotFoundError: 404,
  ToolCallNotFoundError: 404,
  UserNotFoundError: 404,
  FileNotFoundError: 404,
  SessionNotFoundError: 404,
  MethodNotAllowedError: 405,
  TimeoutError: 408,
  ConflictError: 409,
  GoneError: 410,
  PayloadTooLargeError: 413,
  UnsupportedMediaTypeError: 415,
  RangeNotSatisfiableError: 416,
  TooManyRequestsError: 429,
  HeadersTooLargeError: 431,
  CancelledError: 499,
  InternalError: 500,
  ProcessError: 500,
  ConfigurationError: 500,
  UpstreamError: 502,
  UnavailableError: 503,
} as const;

/** One of {@linkcode ERROR_STATUS}. */
export type ErrorName = keyof typeof ERROR_STATUS;

/** Facts about a failure that are safe to show. */
export type ErrorDetails = Record<string, unknown>;

/** Options for {@linkcode AppError}. */
export interface AppErrorOptions extends ErrorOptions {
  details?: ErrorDetails;
  /** Seconds after which trying again makes sense. */
  retry_after?: number;
}

/** What is stored of an error, and sent in events. */
export interface ErrorBody {
  error: ErrorName;
  message: string;
  details?: ErrorDetails;
}

/** An error a caller is meant to see. `name` is its class on the wire. */
export class AppError extends Error {
  override readonly name: ErrorName;
  readonly details: ErrorDetails | undefined;
  readonly retryAfter: number | undefined;

  constructor(name: ErrorName, message: string, options: AppErrorOptions = {}) {
    super(message, options);
    this.name = name;
    this.details = options.details;
    this.retryAfter = options.retry_after;
  }

  /** The HTTP status. */
  get status(): number {
    return ERROR_STATUS[this.name];
  }

  /** The part that is stored with a run. */
  toBody(): ErrorBody {
    return {
      error: this.name,
      message: this.message,
      ...(this.details && { details: this.details }),
    };
  }

  /** Wraps anything thrown. What is not an {@linkcode AppError} becomes `InternalError`, its message hidden. */
  static from(thrown: unknown): AppError {
    if (thrown instanceof AppError) return thrown;
    if (thrown instanceof DOMException && thrown.name === "AbortError") {
      return new AppError("CancelledError", "The request was cancelled", { cause: thrown });
    }
    return new AppError("InternalError", "Something went wrong on the server", { cause: thrown });
  }
}

/** A commit that changed nothing, because what it relied on was not so. */
export class CommitRefused extends Error {
  override readonly name = "CommitRefused";
  /** `precondition`: one did not hold; `duplicate`: a row with that key exists. */
  readonly reason: "precondition" | "duplicate";
  /** Which precondition, counted from 0; -1 for a duplicate. */
  readonly index: number;

  constructor(reason: "precondition" | "duplicate", index: number) {
    super(`Commit refused: ${reason} ${index}`);
    this.reason = reason;
    this.index = index;
  }
}
