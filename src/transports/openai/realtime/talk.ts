/**
 * A WebSocket that is the call: sound and words both ways, without WebRTC.
 *
 * @module
 */
import type { Gateway } from "../../../operations/gateway.ts";
import { rtcConverse } from "../../../operations/rtc_doors.ts";
import { forAssertedUser } from "../../asserted_user.ts";
import { type HttpContext, visitOf } from "../../request.ts";
import { agentOf } from "./agent_of.ts";
import { ClientSocket, identify, requireUpgrade } from "./client_socket.ts";
import type { Links, RealtimeDeps } from "./door.ts";
import { givenSession } from "./given_session.ts";
import { TalkLink } from "./talk_link.ts";

/** What {@linkcode talk} needs. */
export interface TalkDeps {
  gateway: Gateway;
  deps: RealtimeDeps;
  links: Links;
}

/** Begins a call that lasts as long as the connection. It uses `rtc_converse`. `gone` ends the connection, and it `gone`. */
export async function talk(
  c: HttpContext,
  { gateway, deps, links }: TalkDeps,
  gone: AbortController,
): Promise<Response> {
  await identify(c, gateway);
  const visit = await forAssertedUser(await visitOf(c, gateway, rtcConverse, gone.signal), c.req.raw.headers, deps);
  // Who shows no key is told so first.
  if (visit.principal.access !== "public") requireUpgrade(c);
  const session = await givenSession(c, { gateway, visit });
  const socket = new ClientSocket(deps, gone);
  const link = await TalkLink.open({
    gateway,
    visit,
    agent_id: agentOf(session.model),
    session,
    now: () => deps.clock.now(),
    client: socket.client,
    room: () => socket.room(),
    onBegin: (link, call_id) => void links.set(call_id, link),
    onEnd(call_id) {
      if (call_id !== undefined) links.delete(call_id);
      gone.abort();
    },
  });
  gone.signal.addEventListener("abort", () => link[Symbol.dispose](), { once: true });
  return socket.open(c, visit.principal, {
    onOpen: () => void link.follow(),
    onText: (text) => link.take(text, socket.client),
  });
}
