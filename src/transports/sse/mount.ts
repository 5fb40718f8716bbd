/**
 * Streams as server-sent events.
 *
 * @module
 */
import type { Hono } from "@hono/hono";
import { AppError } from "../../domain/error.ts";
import type { Gateway, ReadInput } from "../../operations/gateway.ts";
import type { Item, Stream } from "../../operations/operation.ts";
import { type HttpContext, type HttpEnv, type InputReader, noting, routesOf, visitOf } from "../request.ts";
import type { EventStreams } from "../streams.ts";
import { toFrame } from "./encode.ts";

/** What the SSE door needs from the HTTP one. */
export interface SseDeps {
  streams: EventStreams;
  read: InputReader;
  toErrorBody(error: AppError, request_id: string): Record<string, unknown>;
}

/** Answers stream operations where events are asked for; passes otherwise. */
export function mountSse(app: Hono<HttpEnv>, gateway: Gateway, deps: SseDeps): void {
  for (const op of gateway.operations.values()) {
    if (op.kind !== "stream") continue;
    const [method, paths] = routesOf(op);
    app.on(method, paths, async (c, next) => {
      if (op.always || c.req.raw.headers.get("accept")?.includes("text/event-stream")) {
        return await answer(c, gateway, op, deps, deps.read(c, op));
      }
      if (op.flag && await wantsStream(c, gateway, op, deps)) {
        return await answer(c, gateway, op, deps, deps.read(c, op));
      }
      return await next();
    });
  }
}

async function answer(c: HttpContext, gateway: Gateway, op: Stream, deps: SseDeps, read: ReadInput): Promise<Response> {
  const { request_id } = c.env.arrival;
  const visit = new AbortController();
  c.req.raw.signal.addEventListener("abort", () => visit.abort(), { once: true });
  try {
    const caller = await visitOf(c, gateway, op, visit.signal);
    const { expires_at } = caller.principal;
    const items = await gateway.stream(op, read, caller, noting(c));
    if (!items) return new Response(null, { status: 204 });
    const toErrorFrame = (thrown: unknown) => {
      const data = JSON.stringify(deps.toErrorBody(AppError.from(thrown), request_id));
      return toFrame({ type: "error", data } satisfies Item);
    };
    return deps.streams.respond({ items, visit, toFrame, toErrorFrame, expires_at });
  } catch (thrown) {
    visit.abort();
    throw thrown;
  }
}

/** Whether the body asks for the stream. Nothing is read for somebody unknown. */
async function wantsStream(c: HttpContext, gateway: Gateway, op: Stream, deps: SseDeps): Promise<boolean> {
  const { principal } = await visitOf(c, gateway, op, c.req.raw.signal);
  if (principal.access === "public") return false;
  const input = await deps.read(c, op)();
  c.set("input", input);
  return (input as Record<string, unknown>)[op.flag!] === true;
}
