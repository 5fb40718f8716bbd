/**
 * Operations as REST routes.
 *
 * @module
 */
import type { Hono } from "@hono/hono";
import { AppError } from "../../domain/error.ts";
import { systemClock } from "../../kit/clock.ts";
import type { Gateway } from "../../operations/gateway.ts";
import type { Call, Operation, Stream } from "../../operations/operation.ts";
import { type HttpContext, type HttpEnv, noting, routesOf, visitOf } from "../request.ts";
import { createInputReader, type InputLimits } from "./input.ts";
import { toDownload, toErrorBody, toResponse } from "./respond.ts";

/** White space that keeps a connection awake until the answer comes. */
const SPACE = new TextEncoder().encode(" ");
const SPACE_MS = 1000;

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
  if (call.download) return toDownload(value as Parameters<typeof toDownload>[0]);
  return toResponse(value, call.status ?? 200);
}

/**
 * Collects a stream. Headers go at the first token, because only then does the
 * server notice that the caller left; white space fills the time to the answer.
 */
async function answerStream(c: HttpContext, gateway: Gateway, op: Operation, read: Read): Promise<Response> {
  const { request_id } = c.env.arrival;
  const gone = new AbortController();
  c.req.raw.signal.addEventListener("abort", () => gone.abort(), { once: true });
  const visit = await visitOf(c, gateway, op, gone.signal);
  const begun = Promise.withResolvers<void>();
  const status = (op as Stream).status ?? 200;
  const collected = gateway.call(op as Stream, read(c), visit, noting(c, { onCommitted: begun.resolve }));
  const first = await Promise.race([collected.then((value) => ({ value })), begun.promise]);
  if (first) {
    gone.abort();
    return toResponse(first.value, status);
  }
  const encoder = new TextEncoder();
  let awake: Disposable | undefined;
  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      awake = systemClock.every(SPACE_MS, () => {
        // A reader that doesn't read needs no more white space.
        if ((controller.desiredSize ?? 0) > 0) controller.enqueue(SPACE);
      });
      controller.enqueue(SPACE);
      const text = await collected.then(
        (value) => JSON.stringify(value),
        (thrown) => JSON.stringify(toErrorBody(AppError.from(thrown), request_id)),
      );
      awake?.[Symbol.dispose]();
      if (gone.signal.aborted) return;
      controller.enqueue(encoder.encode(text));
      controller.close();
      gone.abort();
    },
    cancel() {
      awake?.[Symbol.dispose]();
      gone.abort();
    },
  }, { highWaterMark: 4 });
  return new Response(body, { status, headers: { "content-type": "application/json; charset=utf-8" } });
}
