/**
 * Whether a caller may use what stands behind an operation, before it is asked for.
 *
 * @module
 */
import type { Principal } from "../../../domain/access.ts";
import type { Operation } from "../../../operations/operation.ts";

/** The scope of `op` that a caller lacks. */
export function missingScope(op: Operation, { access, scopes }: Principal): string | undefined {
  if (access === "admin") return undefined;
  return op.scopes?.find((scope) => !scopes.includes(scope));
}
