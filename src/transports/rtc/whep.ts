/**
 * WHEP (draft-ietf-wish-whep): standard players watch and hear a call, or a room.
 *
 * @module
 */
import type { Hono } from "@hono/hono";
import type { Gateway } from "../../operations/gateway.ts";
import { rtcRoomViewerCreate, rtcViewerCreate } from "../../operations/rtc_viewers.ts";
import { type HttpContext, type HttpEnv, noting } from "../request.ts";
import { type Begin, queryOf, type ResourceDeps, Resources } from "./resources.ts";
import { readWhepOffer } from "./whep_offer.ts";

/** Adds the routes. Each uses access, limit and audit of an operation. */
export function mountWhep(app: Hono<HttpEnv>, gateway: Gateway, deps: ResourceDeps): void {
  const resources = new Resources(gateway, deps);
  const readOffer = (c: HttpContext, sdp: string) => ({ ...readWhepOffer(sdp), ...queryOf(c, ["user_id"]) });
  const beginRoom = (c: HttpContext): Begin => ({ visit, sdp }) => {
    const read = () => ({ ...readOffer(c, sdp), room_id: c.req.param("room_id") });
    return gateway.call(rtcRoomViewerCreate, read, visit, noting(c));
  };
  const begin = (c: HttpContext): Begin => ({ visit, sdp }) => {
    const read = () => ({ ...readOffer(c, sdp), session_id: c.req.param("session_id") });
    return gateway.call(rtcViewerCreate, read, visit, noting(c));
  };
  for (const base of ["/api/v1/rtc/whep", "/v1/rtc/whep"]) {
    const endpoints = [
      { path: `${base}/:room_id{room_[0-9a-z]+}`, op: rtcRoomViewerCreate, begin: beginRoom },
      { path: `${base}/:session_id`, op: rtcViewerCreate, begin },
    ];
    resources.mount(app, { base, endpoints });
  }
}
