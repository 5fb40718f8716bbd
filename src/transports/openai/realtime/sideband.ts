/**
 * A WebSocket beside a call: an application follows and steers what its browser talks about.
 *
 * @module
 */
import { AppError } from "../../../domain/error.ts";
import { RtcSessionId } from "../../../domain/rtc_session.ts";
import type { Gateway } from "../../../operations/gateway.ts";
import { rtcSessionEvents } from "../../../operations/rtc_sessions.ts";
import { forAssertedUser } from "../../asserted_user.ts";
import { type HttpContext, noting, visitOf } from "../../request.ts";
import { invalid } from "../errors.ts";
import { ClientSocket, identify } from "./client_socket.ts";
import type { Links, RealtimeDeps } from "./door.ts";

/** What {@linkcode joinCall} needs. */
export interface SidebandDeps {
  gateway: Gateway;
  deps: RealtimeDeps;
  links: Links;
}

/** Joins the call that the query names. It uses `rtc_session_events`. `gone` ends the connection, and it `gone`. */
export async function joinCall(
  c: HttpContext,
  { gateway, deps, links }: SidebandDeps,
  gone: AbortController,
): Promise<Response> {
  await identify(c, gateway);
  const visit = await forAssertedUser(
    await visitOf(c, gateway, rtcSessionEvents, gone.signal),
    c.req.raw.headers,
    deps,
  );
  // Whoever may follow the call may speak in it; the stream holds a place, and ends with the call and with the key.
  const read = () => ({ session_id: callIdOf(c) });
  const happening = (await gateway.stream(rtcSessionEvents, read, visit, noting(c)))?.[Symbol.asyncIterator]();
  try {
    const link = links.get(callIdOf(c));
    if (!happening || !link) {
      throw new AppError(
        "SessionNotFoundError",
        `Cannot join call "${callIdOf(c)}": it doesn't go on in this protocol`,
      );
    }
    const socket = new ClientSocket(deps, gone);
    const { client } = socket;
    const response = socket.open(c, visit.principal, {
      onOpen() {
        const joined = link.join(client, visit.principal);
        gone.signal.addEventListener("abort", () => joined[Symbol.dispose](), { once: true });
      },
      onText: (text) => link.take(text, client),
    });
    gone.signal.addEventListener("abort", () => void happening.return?.().catch(() => {}), { once: true });
    void drain(happening).finally(() => gone.abort());
    return response;
  } catch (thrown) {
    await happening?.return?.();
    throw thrown;
  }
}

function callIdOf(c: HttpContext): string {
  const id = c.req.query("call_id");
  if (id !== undefined && RtcSessionId.safeParse(id).success) return id;
  throw invalid('Cannot open a WebSocket: expected "call_id", the id of a call', { param: "call_id" });
}

async function drain(happening: AsyncIterator<unknown>): Promise<void> {
  try {
    while (!(await happening.next()).done);
  } catch {
    // The call, or the right to follow it, is over.
  }
}
