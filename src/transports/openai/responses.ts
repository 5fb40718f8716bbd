/**
 * Responses: runs as OpenAI's newer API tells them.
 *
 * @module
 */
import type { Hono } from "@hono/hono";
import { z } from "zod";
import { AppError } from "../../domain/error.ts";
import type { Gateway } from "../../operations/gateway.ts";
import type { Operation } from "../../operations/operation.ts";
import { messageList } from "../../operations/conversations.ts";
import { runCancel, runDelete, runEvents, runGet } from "../../operations/runs.ts";
import { type HttpContext, type HttpEnv, noting, visitOf } from "../request.ts";
import { answering, type OpenAiDeps, pathsOf } from "./door.ts";
import { parse } from "./errors.ts";
import { toResponseId } from "./ids.ts";
import { createResponse } from "./response_create.ts";
import { toResponseErrorFrame, toResponseFrame } from "./response_frames.ts";
import { listInput } from "./response_input_items.ts";
import { checkInclude } from "./response_request.ts";
import { ResponseView, type Viewer } from "./response_view.ts";
import { circumstancesOf } from "./visit.ts";

const Flag = z.enum(["true", "false"]).transform((text) => text === "true").default(false);
const Retrieving = z.object({
  stream: Flag,
  starting_after: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
});
const Listing = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  order: z.enum(["asc", "desc"]).default("desc"),
  after: z.string().max(128).optional(),
  before: z.string().max(128).optional(),
});

/** Answers `/responses` and what is below it. */
export function mountResponses(app: Hono<HttpEnv>, gateway: Gateway, deps: OpenAiDeps): void {
  const view = new ResponseView({ gateway, clock: deps.clock });
  const own = (handler: (c: HttpContext) => Promise<Response>) => answering(deps, handler);
  app.on("POST", pathsOf("/responses"), own((c) => createResponse(c, gateway, { deps, view })));
  app.on("GET", pathsOf("/responses/:id"), own((c) => retrieve(c, gateway, { deps, view })));
  app.on("DELETE", pathsOf("/responses/:id"), own((c) => remove(c, gateway, { deps, view })));
  app.on("POST", pathsOf("/responses/:id/cancel"), own((c) => cancel(c, gateway, { deps, view })));
  app.on("GET", pathsOf("/responses/:id/input_items"), own((c) => inputItems(c, gateway, { deps, view })));
}

interface Parts {
  deps: OpenAiDeps;
  view: ResponseView;
}

async function retrieve(c: HttpContext, gateway: Gateway, { deps, view }: Parts): Promise<Response> {
  const gone = new AbortController();
  c.req.raw.signal.addEventListener("abort", () => gone.abort(), { once: true });
  try {
    const op = c.req.query("stream") === "true" ? runEvents : runGet;
    const viewer = await viewerOf(c, gateway, { op, signal: gone.signal, deps });
    const found = await view.find(idOf(c), viewer);
    const { stream, starting_after } = parse(Retrieving, c.req.query());
    checkIncluded(c);
    if (!stream) return Response.json(await view.show(found, viewer));
    const { items, log } = await view.follow(found, starting_after ?? -1, viewer);
    return deps.streams.respond({
      items,
      visit: gone,
      toFrame: toResponseFrame,
      toErrorFrame: (thrown) => toResponseErrorFrame(thrown, log),
      expires_at: viewer.visit.principal.expires_at,
    });
  } catch (thrown) {
    gone.abort();
    throw thrown;
  }
}

async function cancel(c: HttpContext, gateway: Gateway, { deps, view }: Parts): Promise<Response> {
  const viewer = await viewerOf(c, gateway, { op: runCancel, signal: c.req.raw.signal, deps });
  return Response.json(await view.cancel(await view.find(idOf(c), viewer), viewer));
}

async function remove(c: HttpContext, gateway: Gateway, { deps, view }: Parts): Promise<Response> {
  const viewer = await viewerOf(c, gateway, { op: runDelete, signal: c.req.raw.signal, deps });
  const found = await view.find(idOf(c), viewer);
  await view.delete(found, viewer);
  return Response.json({ id: toResponseId(found.run.id), object: "response", deleted: true });
}

async function inputItems(c: HttpContext, gateway: Gateway, { deps, view }: Parts): Promise<Response> {
  const viewer = await viewerOf(c, gateway, { op: messageList, signal: c.req.raw.signal, deps });
  const { run } = await view.find(idOf(c), viewer);
  const page = parse(Listing, c.req.query());
  checkIncluded(c);
  return Response.json(await listInput(run, page, { gateway, viewer }));
}

async function viewerOf(
  c: HttpContext,
  gateway: Gateway,
  { op, signal, deps: { verifyUser } }: { op: Operation; signal: AbortSignal; deps: OpenAiDeps },
): Promise<Viewer> {
  const visit = await visitOf(c, gateway, op, signal);
  // Nothing is read for somebody unknown: the operation refuses them.
  if (visit.principal.access === "public") return { visit };
  const { user_id } = await circumstancesOf(
    { headers: c.req.raw.headers, body: {} },
    { principal: visit.principal, verifyUser },
  );
  return { visit, user_id, options: noting(c) };
}

/** Lists come as `include[]=` or `include=`. */
function checkIncluded(c: HttpContext): void {
  checkInclude([...c.req.queries("include[]") ?? [], ...c.req.queries("include") ?? []]);
}

function idOf(c: HttpContext): string {
  const id = c.req.param("id");
  if (id === undefined) throw new AppError("NotFoundError", "Cannot find a response without its id");
  return id;
}
