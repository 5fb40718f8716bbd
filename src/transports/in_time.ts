/**
 * Connections that outlive the request they began with.
 *
 * @module
 */
import type { Principal } from "../domain/access.ts";
import type { Clock } from "../kit/clock.ts";

/** The longest that a timer takes. */
const MAX_TIMER = 2 ** 31 - 1;

/** Ends what stays open when the token that opened it expires. */
export function endInTime(gone: AbortController, { principal, clock }: { principal: Principal; clock: Clock }): void {
  const { expires_at } = principal;
  if (expires_at === undefined) return;
  const timer = clock.after(Math.min(expires_at - clock.now(), MAX_TIMER), () => gone.abort());
  gone.signal.addEventListener("abort", () => timer[Symbol.dispose](), { once: true });
}
