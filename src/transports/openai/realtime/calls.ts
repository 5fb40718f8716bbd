/**
 * Calls, begun with a description and ended.
 *
 * @module
 */
import type { Hono } from "@hono/hono";
import type { Modality } from "../../../domain/rtc_session.ts";
import { readSdpSections } from "../../../kit/sdp_section.ts";
import type { Gateway } from "../../../operations/gateway.ts";
import { rtcSessionDelete, rtcSessionGet } from "../../../operations/rtc_sessions.ts";
import { rtcOffer } from "../../../operations/rtc_signals.ts";
import { type HttpContext, type HttpEnv, noting } from "../../request.ts";
import { answering, pathsOf } from "../door.ts";
import { agentOf } from "./agent_of.ts";
import { CallLink } from "./call_link.ts";
import { type Links, type RealtimeDeps, visitFor } from "./door.ts";
import { givenSession } from "./given_session.ts";
import { readOffer } from "./offer_body.ts";

/** Adds the routes. They use `rtc_offer` and `rtc_session_delete`. */
export function mountCalls(
  app: Hono<HttpEnv>,
  gateway: Gateway,
  { deps, links }: { deps: RealtimeDeps; links: Links },
): void {
  const begin = answering(deps, (c) => beginCall(c, { gateway, deps, links }));
  const end = answering(deps, async (c) => {
    const visit = await visitFor(c, { gateway, op: rtcSessionDelete, deps });
    await gateway.call(rtcSessionDelete, () => ({ session_id: c.req.param("call_id") }), visit, noting(c));
    return new Response(null, { status: 200 });
  });
  for (const path of pathsOf("/realtime/calls")) app.post(path, begin);
  for (const path of pathsOf("/realtime/calls/:call_id/hangup")) app.post(path, end);
}

async function beginCall(
  c: HttpContext,
  { gateway, deps, links }: { gateway: Gateway; deps: RealtimeDeps; links: Links },
): Promise<Response> {
  const { raw: request } = c.req;
  const visit = await visitFor(c, { gateway, op: rtcOffer, deps });
  let session: Record<string, unknown> = {};
  const read = async () => {
    const offered = await readOffer(await deps.readBytes(request), request.headers.get("content-type") ?? "");
    session = await givenSession(c, { gateway, visit, session: offered.session });
    const agent_id = agentOf(session.model);
    return {
      ...agent_id !== undefined && { agent_id },
      sdp: offered.sdp,
      dialect: "openai",
      modalities: modalitiesOf(offered.sdp),
    };
  };
  const { session_id, sdp } = await gateway.call(rtcOffer, read, visit, noting(c));
  try {
    const { agent_id: model } = await gateway.call(rtcSessionGet, () => ({ session_id }), visit);
    const onEnd = () => void links.delete(session_id);
    const { clock, log } = deps;
    const now = () => clock.now();
    links.set(
      session_id,
      await CallLink.open({ gateway, visit, call_id: session_id, model, session, log, now, onEnd }),
    );
  } catch (error) {
    await gateway.call(rtcSessionDelete, () => ({ session_id }), visit);
    throw error;
  }
  const { pathname } = new URL(c.env.arrival.base);
  const location = `${pathname.replace(/\/$/, "")}${c.req.path}/${session_id}`;
  return new Response(sdp, { status: 201, headers: { "content-type": "application/sdp", location } });
}

/** What the sections of a description carry. Video that is only to be seen is no camera. */
function modalitiesOf(sdp: string): Modality[] {
  const sections = readSdpSections(sdp);
  const hears = sections.some(({ kind, rejected }) => kind === "audio" && !rejected);
  const sees = sections.some(({ kind, sends }) => kind === "video" && sends);
  return [...hears ? ["audio"] as const : [], ...sees ? ["camera"] as const : [], "text"];
}
