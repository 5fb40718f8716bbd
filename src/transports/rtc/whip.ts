/**
 * WHIP (RFC 9725): what standard clients send, an agent hears and sees.
 *
 * @module
 */
import type { Hono } from "@hono/hono";
import { AppError } from "../../domain/error.ts";
import type { Gateway } from "../../operations/gateway.ts";
import type { Operation } from "../../operations/operation.ts";
import { rtcFragment } from "../../operations/rtc_doors.ts";
import { rtcSessionDelete, rtcSessionGet } from "../../operations/rtc_sessions.ts";
import { rtcIceServers, rtcOffer } from "../../operations/rtc_signals.ts";
import { type AssertedUserOptions, forAssertedUser } from "../asserted_user.ts";
import { type HttpContext, type HttpEnv, noting, visitOf } from "../request.ts";
import { FRAGMENT_TYPE, type FragmentFrame, frameOf, readFragment, writeFragment } from "./sdp_fragment.ts";
import { readIfMatch, refuseTag, toEtag, toLinks, typeOf } from "./whip_headers.ts";
import { readWhipOffer } from "./whip_offer.ts";
import { toWhipResponse } from "./whip_refusal.ts";

const OFFER_TYPE = "application/sdp";
/** How many sessions' frames are kept. A forgotten one only makes its fragments shorter. */
const MAX_FRAMES = 1000;

/** What this door needs from the others. */
export interface WhipDeps extends AssertedUserOptions {
  /** A body as text, within bounds. */
  readText(request: Request): Promise<string>;
}

/** What may stand in the address. Both also stand in the token's own rights. */
const QUERY = ["conversation_id", "user_id"] as const;

/** Adds the routes. Each uses access, limit and audit of an operation. */
export function mountWhip(app: Hono<HttpEnv>, gateway: Gateway, deps: WhipDeps): void {
  const door = new WhipDoor(gateway, deps);
  for (const base of ["/api/v1/rtc/whip", "/v1/rtc/whip"]) {
    const session = `${base}/sessions/:session_id`;
    for (const endpoint of [base, `${base}/:agent_id`]) {
      app.post(endpoint, (c) => told(() => door.publish(c, base)));
      app.options(endpoint, () => toOptions({ "allow": "OPTIONS, POST", "accept-post": OFFER_TYPE }));
    }
    app.patch(session, (c) => told(() => door.patch(c)));
    app.delete(session, (c) => told(() => door.end(c)));
    app.options(session, () => toOptions({ "allow": "DELETE, OPTIONS, PATCH", "accept-patch": FRAGMENT_TYPE }));
  }
}

function toOptions(headers: Record<string, string>): Response {
  return new Response(null, { status: 204, headers });
}

async function told(work: () => Promise<Response>): Promise<Response> {
  try {
    return await work();
  } catch (thrown) {
    return toWhipResponse(AppError.from(thrown));
  }
}

class WhipDoor {
  readonly #gateway: Gateway;
  readonly #deps: WhipDeps;
  readonly #frames = new Map<string, FragmentFrame>();

  constructor(gateway: Gateway, deps: WhipDeps) {
    this.#gateway = gateway;
    this.#deps = deps;
  }

  /** Begins a session. */
  async publish(c: HttpContext, base: string): Promise<Response> {
    const { headers } = c.req.raw;
    const visit = await this.#visit(c, rtcOffer);
    if (visit.principal.access !== "public" && typeOf(headers) !== OFFER_TYPE) {
      return unsupported("accept-post", OFFER_TYPE);
    }
    const agent_id = c.req.param("agent_id");
    const read = async () => ({
      ...readWhipOffer(await this.#deps.readText(c.req.raw)),
      ...agent_id !== undefined && { agent_id },
      ...queryOf(c),
      dialect: "whip",
    });
    const { session_id, sdp } = await this.#gateway.call(rtcOffer, read, visit, noting(c));
    this.#keep(session_id, frameOf(sdp));
    const answer = new Headers({
      "content-type": OFFER_TYPE,
      "location": `${new URL(c.env.arrival.base).pathname.replace(/\/$/, "")}${base}/sessions/${session_id}`,
      "etag": toEtag(/^a=ice-ufrag:(\S+)/m.exec(sdp)![1]!),
      "accept-patch": FRAGMENT_TYPE,
    });
    const { ice_servers } = await this.#gateway.call(rtcIceServers, () => ({}), visit);
    for (const link of toLinks(ice_servers)) answer.append("link", link);
    return new Response(sdp, { status: 201, headers: answer });
  }

  /** Takes candidates, or finds a new path. */
  async patch(c: HttpContext): Promise<Response> {
    const { headers } = c.req.raw;
    const session_id = c.req.param("session_id")!;
    const visit = await this.#visit(c, rtcFragment);
    if (visit.principal.access !== "public" && typeOf(headers) !== FRAGMENT_TYPE) {
      return unsupported("accept-patch", FRAGMENT_TYPE);
    }
    const read = async () => ({
      session_id,
      ...queryOf(c, ["user_id"]),
      local_ufrag: readIfMatch(headers.get("if-match")),
      ...readFragment(await this.#deps.readText(c.req.raw)),
    });
    try {
      const { restarted } = await this.#gateway.call(rtcFragment, read, visit, noting(c));
      if (!restarted) return new Response(null, { status: 204 });
      const frame = this.#frames.get(session_id) ?? { head: [], media: [] };
      return new Response(writeFragment(restarted, frame), {
        headers: { "content-type": FRAGMENT_TYPE, "etag": toEtag(restarted.ufrag) },
      });
    } catch (thrown) {
      const { details } = AppError.from(thrown);
      if (details?.local_ufrag !== undefined) refuseTag();
      throw thrown;
    }
  }

  /** Ends a session. One that has ended is not there. */
  async end(c: HttpContext): Promise<Response> {
    const session_id = c.req.param("session_id")!;
    const visit = await this.#visit(c, rtcSessionDelete);
    const asked = { session_id, ...queryOf(c, ["user_id"]) };
    const { state } = await this.#gateway.call(rtcSessionGet, () => asked, visit);
    if (state === "ended") {
      throw new AppError("SessionNotFoundError", `Cannot find call "${session_id}": it has ended`);
    }
    await this.#gateway.call(rtcSessionDelete, () => asked, visit, noting(c));
    this.#frames.delete(session_id);
    return new Response(null, { status: 200 });
  }

  async #visit(c: HttpContext, op: Operation) {
    const visit = await visitOf(c, this.#gateway, op, c.req.raw.signal);
    return await forAssertedUser(visit, c.req.raw.headers, this.#deps);
  }

  #keep(session_id: string, frame: FragmentFrame): void {
    this.#frames.set(session_id, frame);
    if (this.#frames.size > MAX_FRAMES) this.#frames.delete(this.#frames.keys().next().value!);
  }
}

function unsupported(header: string, type: string): Response {
  const message = `Cannot read the request's body: expected the type ${type}`;
  const response = toWhipResponse(new AppError("UnsupportedMediaTypeError", message));
  response.headers.set(header, type);
  return response;
}

function queryOf(c: HttpContext, names: readonly string[] = QUERY): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => {
    const value = c.req.query(name);
    return value === undefined ? [] : [[name, value]];
  }));
}
