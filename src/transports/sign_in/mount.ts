/**
 * The door for browsers of people who sign in at tool servers: a page that says
 * for whom, a cookie for who goes on from it, and the way back with that cookie.
 *
 * @module
 */
import type { Hono } from "@hono/hono";
import { AppError } from "../../domain/error.ts";
import type { Gateway } from "../../operations/gateway.ts";
import { mcpServerSignIn, mcpServerSignInBegin } from "../../operations/mcp_servers.ts";
import { type HttpContext, type HttpEnv, noting, routesOf, visitOf } from "../request.ts";
import { clearCookie, readCookie, setCookie } from "./cookie.ts";
import { beginPage, endPage, pageResponse } from "./pages.ts";

/** Adds the routes, before those of the operations. Each uses access, limit and audit of the operation it is for. */
export function mountSignIn(app: Hono<HttpEnv>, gateway: Gateway): void {
  const [, beginPaths] = routesOf(mcpServerSignInBegin);
  const [, endPaths] = routesOf(mcpServerSignIn);
  app.on("GET", beginPaths, async (c, next) => wantsPage(c) ? await orPage(c, () => show(c, gateway)) : await next());
  app.on("POST", beginPaths, (c) => orPage(c, () => goOn(c, gateway)));
  app.on("GET", endPaths, async (c, next) => {
    const browser = readCookie(c);
    const { browser: _, ...query } = c.req.query();
    c.set("input", { ...query, ...browser !== undefined && { browser } });
    if (wantsPage(c)) return await orPage(c, () => end(c, gateway));
    await next();
    clearCookie(c, c.res.headers);
  });
}

function wantsPage({ req }: HttpContext): boolean {
  return req.raw.headers.get("accept")?.includes("text/html") === true;
}

/** People are told on a page what programs are told as an error. */
async function orPage(c: HttpContext, answer: () => Promise<Response>): Promise<Response> {
  try {
    return await answer();
  } catch (thrown) {
    if (!wantsPage(c)) throw thrown;
    const { message, status } = AppError.from(thrown);
    return await pageResponse(endPage({ signed_in: false, message }), status);
  }
}

async function waiting(c: HttpContext, gateway: Gateway) {
  const visit = await visitOf(c, gateway, mcpServerSignInBegin, c.req.raw.signal);
  return await gateway.call(mcpServerSignInBegin, () => c.req.query(), visit, noting(c));
}

async function show(c: HttpContext, gateway: Gateway): Promise<Response> {
  return await pageResponse(beginPage(await waiting(c, gateway)));
}

/** Only from here on the browser may come back: whoever is sent past the page hasn't read for whom it is. */
async function goOn(c: HttpContext, gateway: Gateway): Promise<Response> {
  const { url, browser } = await waiting(c, gateway);
  if (!isOwnForm(c)) {
    throw new AppError("ForbiddenError", "Cannot begin to sign in from another page: open the address by itself");
  }
  const headers = new Headers({ location: url, "cache-control": "no-store" });
  setCookie(c, headers, browser);
  return new Response(null, { status: 303, headers });
}

async function end(c: HttpContext, gateway: Gateway): Promise<Response> {
  const visit = await visitOf(c, gateway, mcpServerSignIn, c.req.raw.signal);
  const outcome = await gateway.call(mcpServerSignIn, () => c.get("input"), visit, noting(c));
  const response = await pageResponse(endPage(outcome));
  clearCookie(c, response.headers);
  return response;
}

/** Whether the browser says that the form stood on a page of this server. */
function isOwnForm(c: HttpContext): boolean {
  const { headers } = c.req.raw;
  const site = headers.get("sec-fetch-site");
  if (site !== null) return site === "same-origin";
  // Over plain HTTP browsers say less. A proxy may have changed the scheme, but not the host.
  const origin = URL.parse(headers.get("origin") ?? "");
  return origin !== null && origin.host === new URL(c.env.arrival.base).host;
}
