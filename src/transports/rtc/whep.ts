/**
 * WHEP (draft-ietf-wish-whep): standard players watch and hear a call.
 *
 * @module
 */
import type { Hono } from "@hono/hono";
import type { Gateway } from "../../operations/gateway.ts";
import { rtcViewerCreate } from "../../operations/rtc_viewers.ts";
import { type HttpContext, type HttpEnv, noting } from "../request.ts";
import { type Begin, queryOf, type ResourceDeps, Resources } from "./resources.ts";
import { readWhepOffer } from "./whep_offer.ts";

/** Adds the routes. Each uses access, limit and audit of an operation. */
export function mountWhep(app: Hono<HttpEnv>, gateway: Gateway, deps: ResourceDeps): void {
  const resources = new Resources(gateway, deps);
  const begin = (c: HttpContext): Begin => ({ visit, sdp }) => {
    const read = () => ({
      ...readWhepOffer(sdp),
      ...queryOf(c, ["user_id"]),
      session_id: c.req.param("session_id"),
    });
    return gateway.call(rtcViewerCreate, read, visit, noting(c));
  };
  for (const base of ["/api/v1/rtc/whep", "/v1/rtc/whep"]) {
    resources.mount(app, { base, endpoints: [`${base}/:session_id`], op: rtcViewerCreate, begin });
  }
}
