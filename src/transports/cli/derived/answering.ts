/**
 * How an operation answers on the command line.
 *
 * @module
 */
import type { Operation } from "../../../operations/operation.ts";

/** Whether events come without being asked for. */
export function streamsByDefault(op: Operation): boolean {
  return op.kind === "stream" && (op.always === true || op.cursor !== undefined);
}

/** Whether the answer is a page, behind which others may be. */
export function isPaged(op: Operation): boolean {
  return op.kind === "call" && "cursor" in op.input.shape;
}
