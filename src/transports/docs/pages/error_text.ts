/**
 * What each class of error means.
 *
 * @module
 */
import type { ErrorName } from "../../../domain/error.ts";

/** One sentence for each class; the compiler misses none. */
export const ERROR_TEXT: Readonly<Record<ErrorName, string>> = {
  ValidationError: "The request is not what the operation takes. `details` names the fields.",
  UnauthorizedError: "There is no key, or not one that is known.",
  ForbiddenError: "The key is known, and may not do this.",
  NotFoundError: "There is no such path, or no such thing.",
  AgentNotFoundError: "There is no such agent.",
  ConversationNotFoundError: "There is no such conversation, or it is not yours to see.",
  RunNotFoundError: "There is no such run, or it is not yours to see.",
  ToolCallNotFoundError: "The run has no such tool call.",
  UserNotFoundError: "Nothing is known of this user.",
  FileNotFoundError: "There is no such file, or it is not yours to see.",
  SessionNotFoundError: "There is no such call, or it is not yours to see.",
  MethodNotAllowedError: "The path exists, with other methods. The header `Allow` names them.",
  TimeoutError: "It took too long: the body to come, or the answer. A run goes on; follow it by its events.",
  ConflictError: "It contradicts what is there: an id that is taken, a decision already made, a cursor beyond the end.",
  GoneError: "It was there, and is no longer kept.",
  PayloadTooLargeError: "The body is larger than the server takes.",
  UnsupportedMediaTypeError: "The body is of a type or an encoding the operation doesn't read.",
  RangeNotSatisfiableError: "The file has none of the bytes that `Range` names. `Content-Range` says how many it has.",
  TooManyRequestsError: "A limit was reached. `Retry-After` says how long to wait; who goes on is blocked for a while.",
  HeadersTooLargeError: "The headers are larger than the server takes.",
  CancelledError: "The caller left, or somebody cancelled it.",
  InternalError: "Something went wrong on the server. Its log has more under the `request_id`.",
  ProcessError: "A process the server works with failed.",
  ConfigurationError: "The settings are wrong. Nothing of them was put in force.",
  UpstreamError: "The model's provider, or another server behind this one, failed.",
  UnavailableError: "The server can't do it now. `Retry-After` says when to try again.",
};
