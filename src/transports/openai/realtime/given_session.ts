/**
 * What a call begins with: as its client's secret has it, then the client.
 *
 * @module
 */
import type { Gateway } from "../../../operations/gateway.ts";
import type { Visit } from "../../../operations/operation.ts";
import { rtcSecretSession } from "../../../operations/rtc_secrets.ts";
import type { HttpContext } from "../../request.ts";
import { changeSession, newSession } from "./session_view.ts";

/** Options for {@linkcode givenSession}. */
export interface GivenSessionOptions {
  gateway: Gateway;
  visit: Visit;
  /** What the client says of it; its query may name the model, too. */
  session?: Record<string, unknown> | undefined;
}

/** See the module. Checked before anything begins: throws `ValidationError`. */
export async function givenSession(
  c: HttpContext,
  { gateway, visit, session: own }: GivenSessionOptions,
): Promise<Record<string, unknown>> {
  const { session: given } = visit.principal.grant
    ? await gateway.call(rtcSecretSession, () => ({}), visit)
    : { session: null };
  const named = c.req.query("model");
  const session = { ...named !== undefined && { model: named }, ...given, ...own };
  changeSession(newSession(""), session);
  return session;
}
