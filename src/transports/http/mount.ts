/**
 * Operations as REST routes.
 *
 * @module
 */
import type { Hono } from "@hono/hono";
import type { Gateway } from "../../operations/gateway.ts";
import type { Call, Download, Operation, Stream } from "../../operations/operation.ts";
import { answerLate } from "../late_answer.ts";
import { type HttpContext, type HttpEnv, noting, routesOf, visitOf } from "../request.ts";
import { toDownload } from "./download.ts";
import { createInputReader, type InputLimits } from "./input.ts";
import { toErrorBody, toResponse } from "./respond.ts";

/** Answers every call, and every stream as the one answer it adds up to. */
export function mountHttp(app: Hono<HttpEnv>, gateway: Gateway, limits: InputLimits): void {
  for (const op of gateway.operations.values()) {
    if (op.kind === "duplex") continue;
    const read = createInputReader(op, limits);
    const answer = op.kind === "call" ? answerCall : answerStream;
    const [method, paths] = routesOf(op);
    app.on(method, paths, (c) => answer(c, gateway, op, read));
  }
}

type Read = ReturnType<typeof createInputReader>;

async function answerCall(c: HttpContext, gateway: Gateway, op: Operation, read: Read): Promise<Response> {
  const call = op as Call;
  const visit = await visitOf(c, gateway, op, c.req.raw.signal);
  const value = await gateway.call(call, read(c), visit, noting(c));
  if (call.download) {
    const { method, headers } = c.req.raw;
    return await toDownload(value as Download, { method, headers, request_id: visit.request_id });
  }
  return toResponse(value, call.status ?? 200);
}

/** Collects a stream. */
async function answerStream(c: HttpContext, gateway: Gateway, op: Operation, read: Read): Promise<Response> {
  const { request_id } = c.env.arrival;
  const gone = new AbortController();
  c.req.raw.signal.addEventListener("abort", () => gone.abort(), { once: true });
  const visit = await visitOf(c, gateway, op, gone.signal);
  const begun = Promise.withResolvers<void>();
  const status = (op as Stream).status ?? 200;
  return await answerLate({
    collected: gateway.call(op as Stream, read(c), visit, noting(c, { onCommitted: begun.resolve })),
    begun: begun.promise,
    gone,
    toResponse: (value) => toResponse(value, status),
    toErrorBody: (error) => toErrorBody(error, request_id),
    status,
  });
}
