/**
 * Starting a response: streamed, in one piece, or in the background.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { Gateway } from "../../operations/gateway.ts";
import type { Item, Visit } from "../../operations/operation.ts";
import { agentRespond, modelComplete } from "../../operations/respond.ts";
import { runGet } from "../../operations/runs.ts";
import { answerLate } from "../late_answer.ts";
import { type HttpContext, noting, visitOf } from "../request.ts";
import { readAsked } from "./body.ts";
import type { OpenAiDeps } from "./door.ts";
import { invalid } from "./errors.ts";
import { ignoredHeader } from "./parameters.ts";
import { asRun, toChoreInput } from "./response_chore.ts";
import { beginResponse, collectResponse } from "./response_collect.ts";
import { toFacts } from "./response_facts.ts";
import { tellResponse, toResponseErrorFrame, toResponseFrame } from "./response_frames.ts";
import { ResponseLog } from "./response_log.ts";
import { toResponseError } from "./response_outcome.ts";
import { noPrevious, type ResponseRequest, toResponseRequest } from "./response_request.ts";
import { resolveReferences } from "./response_references.ts";
import type { ResponseView, Viewer } from "./response_view.ts";
import { circumstancesOf } from "./visit.ts";

/** A response that has begun. */
interface Begun {
  request: ResponseRequest;
  items: AsyncIterable<Item>;
  log: ResponseLog;
  visit: Visit;
  /** Aborted when the answer is over, whoever ended it: who leaves stops the run, unless it is in the background. */
  gone: AbortController;
  /** Aborted when the caller is to wait no longer: then there is still something to say. */
  late: AbortController;
}

/** Answers `POST /responses`. */
export async function createResponse(
  c: HttpContext,
  gateway: Gateway,
  { deps, view }: { deps: OpenAiDeps; view: ResponseView },
): Promise<Response> {
  const gone = new AbortController();
  c.req.raw.signal.addEventListener("abort", () => gone.abort(), { once: true });
  try {
    const begun = await begin(c, gateway, { deps, view, gone });
    const { request, items, log } = begun;
    const headers = ignoredHeader(request.ignored);
    if (request.stream) {
      return deps.streams.respond({
        items: tellResponse(items, log),
        visit: gone,
        toFrame: toResponseFrame,
        toErrorFrame: (thrown) => toResponseErrorFrame(thrown, log),
        headers,
      });
    }
    if (!request.background) return await collect(begun, gateway, { deps, headers });
    const response = await beginResponse(items, log);
    gone.abort();
    return Response.json(response, { headers });
  } catch (thrown) {
    gone.abort();
    throw thrown;
  }
}

async function begin(
  c: HttpContext,
  gateway: Gateway,
  { deps, view, gone }: { deps: OpenAiDeps; view: ResponseView; gone: AbortController },
): Promise<Begun> {
  const { readJson, verifyUser } = deps;
  const { visit, body } = await readAsked(c, { gateway, op: agentRespond, readJson, signal: gone.signal });
  const around = await circumstancesOf(
    { headers: c.req.raw.headers, body },
    { principal: visit.principal, verifyUser },
  );
  const viewer = { visit, user_id: around.user_id };
  const input_items = await resolveReferences(body.input, { view, viewer });
  const request = toResponseRequest({ ...body, input: input_items }, around);
  const { input } = request;
  if (input.after_run_id !== undefined) await checkPrevious(String(body.previous_response_id), { view, viewer });
  const late = new AbortController();
  const until = { ...visit, signal: AbortSignal.any([gone.signal, late.signal]) };
  try {
    const items = around.task === undefined
      ? await gateway.stream(agentRespond, () => input, until, noting(c))
      : await startChore(c, gateway, { request, deps, signal: until.signal });
    if (!items) throw new AppError("GoneError", "Cannot repeat the response: its events are no longer kept");
    return { request, items, visit, gone, late, log: new ResponseLog(toFacts(input)) };
  } catch (thrown) {
    throw inDialect(thrown);
  }
}

/** There is nothing to go on behind where nothing was kept for the caller. */
async function checkPrevious(id: string, { view, viewer }: { view: ResponseView; viewer: Viewer }): Promise<void> {
  try {
    await view.find(id, viewer);
  } catch (thrown) {
    throw thrown instanceof AppError && thrown.name === "NotFoundError" ? noPrevious(id) : thrown;
  }
}

/** The operation names its own fields, not those of a response. */
function inDialect(thrown: unknown): unknown {
  if (!(thrown instanceof AppError) || thrown.name !== "ValidationError") return thrown;
  const { issues } = (thrown.details ?? {}) as { issues?: { field?: string }[] };
  const field = issues?.[0]?.field ?? "";
  if (field.startsWith("messages")) return invalid(thrown.message, { param: "input" });
  return field.startsWith("response_format") ? invalid(thrown.message, { param: "text.format" }) : thrown;
}

/** A chore is a plain call of the model: no run, no memory. */
async function startChore(
  c: HttpContext,
  gateway: Gateway,
  { request, deps, signal }: { request: ResponseRequest; deps: OpenAiDeps; signal: AbortSignal },
): Promise<AsyncIterable<Item> | null> {
  const visit = await visitOf(c, gateway, modelComplete, signal);
  const items = await gateway.stream(modelComplete, () => toChoreInput(request), visit, noting(c));
  return items && asRun(items, deps.clock);
}

async function collect(
  { items, log, visit, gone, late, request }: Begun,
  gateway: Gateway,
  { deps: { clock, collectMs }, headers }: { deps: OpenAiDeps; headers: Record<string, string> },
): Promise<Response> {
  const { user_id } = request.input;
  const begun = Promise.withResolvers<void>();
  const isWaiting = async (run_id: string) => {
    const run = await gateway.call(runGet, () => ({ run_id, ...user_id !== undefined && { user_id } }), visit);
    return run.status === "waiting";
  };
  return await answerLate({
    collected: collectResponse(items, log, {
      signal: gone.signal,
      giveUp: () => late.abort(),
      onCommitted: begun.resolve,
      collect_ms: collectMs(),
      isWaiting,
      clock,
    }),
    begun: begun.promise,
    gone,
    toResponse: (value) => Response.json(value, { headers }),
    // The status has gone out: the response itself says that it failed.
    toErrorBody: (error) => ({ ...log.response, status: "failed", error: toResponseError(error.toBody()) }),
    headers,
    clock,
  });
}
