/**
 * What isn't there, as nothing.
 *
 * @module
 */
import { AppError } from "../../../domain/error.ts";

/** For `catch`: undefined for what isn't there, or can't be a name of anything. */
export function orNone(thrown: unknown): undefined {
  const { status } = AppError.from(thrown);
  if (status !== 404 && status !== 400) throw thrown;
}
