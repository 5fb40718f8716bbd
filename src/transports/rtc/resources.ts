/**
 * Sessions as resources of WHIP (RFC 9725) and WHEP: made by an offer, changed by fragments, ended by DELETE.
 *
 * @module
 */
import type { Hono } from "@hono/hono";
import { AppError } from "../../domain/error.ts";
import type { Gateway } from "../../operations/gateway.ts";
import type { Operation, Visit } from "../../operations/operation.ts";
import { rtcFragment } from "../../operations/rtc_doors.ts";
import { rtcSessionDelete, rtcSessionGet } from "../../operations/rtc_sessions.ts";
import { rtcIceServers } from "../../operations/rtc_signals.ts";
import { type AssertedUserOptions, forAssertedUser } from "../asserted_user.ts";
import { type HttpContext, type HttpEnv, noting, visitOf } from "../request.ts";
import { FRAGMENT_TYPE, type FragmentFrame, frameOf, readFragment, writeFragment } from "./sdp_fragment.ts";
import { readIfMatch, refuseTag, toEtag, toLinks, typeOf } from "./whip_headers.ts";
import { toWhipResponse } from "./whip_refusal.ts";

/** The type of offers and answers. */
const OFFER_TYPE = "application/sdp";
/** How many sessions' frames are kept. A forgotten one only makes its fragments shorter. */
const MAX_FRAMES = 1000;

/** What these doors need from the others. */
export interface ResourceDeps extends AssertedUserOptions {
  /** A body as text, within bounds. */
  readText(request: Request): Promise<string>;
}

/** Makes a session of an offer. */
export type Begin = (offered: { visit: Visit; sdp: string }) => Promise<{ session_id: string; sdp: string }>;

/** Where sessions begin by `begin`, which uses `op`. */
export interface Endpoint {
  path: string;
  op: Operation;
  begin(c: HttpContext): Begin;
}

/** What fragments repeat of answers, by session. */
export class Frames {
  readonly #frames = new Map<string, FragmentFrame>();

  get(session_id: string): FragmentFrame {
    return this.#frames.get(session_id) ?? { head: [], media: [] };
  }

  keep(session_id: string, answer: string): void {
    this.#frames.set(session_id, frameOf(answer));
    if (this.#frames.size > MAX_FRAMES) this.#frames.delete(this.#frames.keys().next().value!);
  }

  forget(session_id: string): void {
    this.#frames.delete(session_id);
  }
}

/** The sessions below one path. */
export class Resources {
  readonly #gateway: Gateway;
  readonly #deps: ResourceDeps;
  readonly #frames = new Frames();

  constructor(gateway: Gateway, deps: ResourceDeps) {
    this.#gateway = gateway;
    this.#deps = deps;
  }

  /** Adds `endpoints`, and the routes of the sessions that begin there below `base`. */
  mount(app: Hono<HttpEnv>, { base, endpoints }: { base: string; endpoints: readonly Endpoint[] }): void {
    const session = `${base}/sessions/:session_id`;
    for (const { path, op, begin } of endpoints) {
      app.post(path, (c) => told(() => this.#create(c, { base, op, begin: begin(c) })));
      app.options(path, () => toOptions({ "allow": "OPTIONS, POST", "accept-post": OFFER_TYPE }));
    }
    app.patch(session, (c) => told(() => this.#patch(c)));
    app.delete(session, (c) => told(() => this.#end(c)));
    app.options(session, () => toOptions({ "allow": "DELETE, OPTIONS, PATCH", "accept-patch": FRAGMENT_TYPE }));
  }

  async #create(
    c: HttpContext,
    { base, op, begin }: { base: string; op: Operation; begin: Begin },
  ): Promise<Response> {
    const { raw: request } = c.req;
    const visit = await this.#visit(c, op);
    if (visit.principal.access !== "public" && typeOf(request.headers) !== OFFER_TYPE) {
      return unsupported("accept-post", OFFER_TYPE);
    }
    const { session_id, sdp } = await begin({ visit, sdp: await this.#deps.readText(request) });
    this.#frames.keep(session_id, sdp);
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
  async #patch(c: HttpContext): Promise<Response> {
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
      return new Response(writeFragment(restarted, this.#frames.get(session_id)), {
        headers: { "content-type": FRAGMENT_TYPE, "etag": toEtag(restarted.ufrag) },
      });
    } catch (thrown) {
      const { details } = AppError.from(thrown);
      if (details?.local_ufrag !== undefined) refuseTag();
      throw thrown;
    }
  }

  /** Ends a session. One that has ended is not there. */
  async #end(c: HttpContext): Promise<Response> {
    const session_id = c.req.param("session_id")!;
    const visit = await this.#visit(c, rtcSessionDelete);
    const asked = { session_id, ...queryOf(c, ["user_id"]) };
    const { state } = await this.#gateway.call(rtcSessionGet, () => asked, visit);
    if (state === "ended") {
      throw new AppError("SessionNotFoundError", `Cannot find call "${session_id}": it has ended`);
    }
    await this.#gateway.call(rtcSessionDelete, () => asked, visit, noting(c));
    this.#frames.forget(session_id);
    return new Response(null, { status: 200 });
  }

  async #visit(c: HttpContext, op: Operation): Promise<Visit> {
    const visit = await visitOf(c, this.#gateway, op, c.req.raw.signal);
    return await forAssertedUser(visit, c.req.raw.headers, this.#deps);
  }
}

/** What stands in the query by these names. */
export function queryOf(c: HttpContext, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => {
    const value = c.req.query(name);
    return value === undefined ? [] : [[name, value]];
  }));
}

function toOptions(headers: Record<string, string>): Response {
  return new Response(null, { status: 204, headers });
}

async function told(work: () => Promise<Response>): Promise<Response> {
  try {
    return await work();
  } catch (thrown) {
    const error = AppError.from(thrown);
    // The router notes what nobody has noted yet.
    if (error !== thrown && error.name === "InternalError") throw thrown;
    return toWhipResponse(error);
  }
}

function unsupported(header: string, type: string): Response {
  const message = `Cannot read the request's body: expected the type ${type}`;
  const response = toWhipResponse(new AppError("UnsupportedMediaTypeError", message));
  response.headers.set(header, type);
  return response;
}
