/**
 * What a process says to its caller when it ends: the codes of sysexits.h.
 *
 * @module
 */
import type { ErrorName } from "../../domain/error.ts";

/** Exit codes. */
export const EXIT = {
  ok: 0,
  usage: 64,
  data: 65,
  unavailable: 69,
  internal: 70,
  cant_create: 73,
  configuration: 78,
} as const;

const CODES: Partial<Record<ErrorName, number>> = {
  ConfigurationError: EXIT.configuration,
  ConflictError: EXIT.cant_create,
  NotFoundError: EXIT.data,
  UnavailableError: EXIT.unavailable,
  UpstreamError: EXIT.unavailable,
  ValidationError: EXIT.data,
};

/** The exit code of an error. */
export function toExitCode(name: ErrorName): number {
  return CODES[name] ?? EXIT.internal;
}
