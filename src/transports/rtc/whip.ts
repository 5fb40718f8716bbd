/**
 * WHIP (RFC 9725): what standard clients send, an agent hears and sees.
 *
 * @module
 */
import type { Hono } from "@hono/hono";
import type { Gateway } from "../../operations/gateway.ts";
import { rtcOffer } from "../../operations/rtc_signals.ts";
import { type HttpContext, type HttpEnv, noting } from "../request.ts";
import { type Begin, queryOf, type ResourceDeps, Resources } from "./resources.ts";
import { readWhipOffer } from "./whip_offer.ts";

/** What may stand in the address. Both also stand in the token's own rights. */
const QUERY = ["conversation_id", "user_id"] as const;

/** Adds the routes. Each uses access, limit and audit of an operation. */
export function mountWhip(app: Hono<HttpEnv>, gateway: Gateway, deps: ResourceDeps): void {
  const resources = new Resources(gateway, deps);
  const begin = (c: HttpContext): Begin => {
    const agent_id = c.req.param("agent_id");
    return ({ visit, sdp }) => {
      const read = () => ({
        ...readWhipOffer(sdp),
        ...agent_id !== undefined && { agent_id },
        ...queryOf(c, QUERY),
        dialect: "whip",
      });
      return gateway.call(rtcOffer, read, visit, noting(c));
    };
  };
  for (const base of ["/api/v1/rtc/whip", "/v1/rtc/whip"]) {
    const endpoints = [base, `${base}/:agent_id`].map((path) => ({ path, op: rtcOffer, begin }));
    resources.mount(app, { base, endpoints });
  }
}
