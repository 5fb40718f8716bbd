/**
 * How a request can fail before it is anybody's failure.
 *
 * @module
 */

/** The server answered with an error of JSON-RPC. */
export class RequestRefused extends Error {
  override readonly name = "RequestRefused";
  readonly code: number;
  readonly data: unknown;

  constructor(code: number, message: string, data?: unknown) {
    super(message);
    this.code = code;
    this.data = data;
  }

  /** Of what stands in an answer, whatever that is. */
  static from({ code, message, data }: { code?: unknown; message?: unknown; data?: unknown }): RequestRefused {
    return new RequestRefused(
      typeof code === "number" ? code : 0,
      typeof message === "string" ? message : "It gave no reason",
      data,
    );
  }
}

/** The server answered with something that is no answer, or its stream ended without one. */
export class AnswerMissing extends Error {
  override readonly name = "AnswerMissing";

  constructor(cause?: Error) {
    super(cause ? `It gave no answer: ${cause.message}` : "It gave no answer", { cause });
  }
}

/** The server answered with something else than the protocol has. */
export class AnswerMalformed extends Error {
  override readonly name = "AnswerMalformed";
}

/** The server didn't answer in time. The message says how long that was. */
export class RequestTimeout extends Error {
  override readonly name = "RequestTimeout";
}

/** The server gave a task up, or forgot it. */
export class TaskLost extends Error {
  override readonly name = "TaskLost";
}

/** What went wrong after the server had made a task of the call: whatever it was, the server has acted. */
export class TaskBroken extends Error {
  override readonly name = "TaskBroken";

  constructor(override readonly cause: unknown) {
    super("A task failed", { cause });
  }
}
