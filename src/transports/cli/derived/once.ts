/**
 * The key that makes sure that something happens once, as an option.
 *
 * @module
 */
import { IDEMPOTENCY_KEY } from "../../../operations/operation.ts";
import { type Given, UsageError } from "../given.ts";

/** The option that gives the key. */
export const ONCE_OPTION = "idempotency-key";

/** What the option adds to a visit. */
export function toOnce(given: Given): { idempotency_key?: string } {
  const key = given.text(ONCE_OPTION);
  if (key === undefined) return {};
  if (IDEMPOTENCY_KEY.test(key)) return { idempotency_key: key };
  throw new UsageError(`The option "--${ONCE_OPTION}" wants 1 to 255 visible ASCII characters without spaces`);
}
