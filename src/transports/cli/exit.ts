/**
 * What a process says to its caller when it ends: the codes of sysexits.h, and
 * those of a shell for signals.
 *
 * @module
 */
import type { ErrorName } from "../../domain/error.ts";

/** Exit codes. */
export const EXIT = {
  ok: 0,
  usage: 64,
  data: 65,
  no_input: 66,
  unavailable: 69,
  internal: 70,
  cant_create: 73,
  try_again: 75,
  no_permission: 77,
  // Not of sysexits.h: a run waits for a decision that nobody is there to make.
  waiting: 79,
  // The same: of several things, some were done and others couldn't be.
  partial: 80,
  configuration: 78,
  interrupted: 130,
  output_closed: 141,
} as const;

const CODES: Readonly<Record<ErrorName, number>> = {
  ValidationError: EXIT.data,
  UnauthorizedError: EXIT.no_permission,
  ForbiddenError: EXIT.no_permission,
  NotFoundError: EXIT.no_input,
  AgentNotFoundError: EXIT.no_input,
  ConversationNotFoundError: EXIT.no_input,
  RunNotFoundError: EXIT.no_input,
  ToolCallNotFoundError: EXIT.no_input,
  UserNotFoundError: EXIT.no_input,
  FileNotFoundError: EXIT.no_input,
  SessionNotFoundError: EXIT.no_input,
  MethodNotAllowedError: EXIT.unavailable,
  TimeoutError: EXIT.try_again,
  ConflictError: EXIT.cant_create,
  GoneError: EXIT.no_input,
  PayloadTooLargeError: EXIT.data,
  UnsupportedMediaTypeError: EXIT.data,
  RangeNotSatisfiableError: EXIT.data,
  TooManyRequestsError: EXIT.try_again,
  HeadersTooLargeError: EXIT.data,
  CancelledError: EXIT.interrupted,
  InternalError: EXIT.internal,
  ProcessError: EXIT.internal,
  ConfigurationError: EXIT.configuration,
  UpstreamError: EXIT.unavailable,
  UnavailableError: EXIT.unavailable,
};

/** The exit code of an error. */
export function toExitCode(name: ErrorName): number {
  return CODES[name] ?? EXIT.internal;
}
