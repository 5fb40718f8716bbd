/**
 * Chat completions: a run, or a plain call of the model for a client's chores.
 *
 * @module
 */
import type { Hono } from "@hono/hono";
import { AppError } from "../../domain/error.ts";
import { createId } from "../../kit/id.ts";
import type { Gateway } from "../../operations/gateway.ts";
import type { Item } from "../../operations/operation.ts";
import { agentRespond, modelComplete } from "../../operations/respond.ts";
import { answerLate } from "../late_answer.ts";
import { type HttpContext, type HttpEnv, noting, visitOf } from "../request.ts";
import { readAsked } from "./body.ts";
import { ChatChunks } from "./chat_chunks.ts";
import { collectChat, type Collected } from "./chat_collect.ts";
import { type ChatRequest, toChatRequest } from "./chat_request.ts";
import { answering, type OpenAiDeps, pathsOf } from "./door.ts";
import { toOpenAiError } from "./errors.ts";
import { toCompletionId } from "./ids.ts";
import { toAnnotations, toFinishReason, toToolCalls } from "./spoken.ts";
import { toUsage } from "./usage.ts";
import { type Circumstances, circumstancesOf } from "./visit.ts";

const encoder = new TextEncoder();

/** What is about to be answered. */
interface Asking {
  items: AsyncIterable<Item>;
  request: ChatRequest;
  around: Circumstances;
  /** Aborted when the answer is over, whoever ended it: who leaves stops the run. */
  gone: AbortController;
  created: number;
}

/** Answers `POST /chat/completions`. */
export function mountChat(app: Hono<HttpEnv>, gateway: Gateway, deps: OpenAiDeps): void {
  app.on("POST", pathsOf("/chat/completions"), answering(deps, (c) => answer(c, gateway, deps)));
}

async function answer(c: HttpContext, gateway: Gateway, deps: OpenAiDeps): Promise<Response> {
  const gone = new AbortController();
  c.req.raw.signal.addEventListener("abort", () => gone.abort(), { once: true });
  try {
    const asking = await ask(c, gateway, { deps, gone });
    return asking.request.stream ? stream(asking, deps) : await collected(asking, deps);
  } catch (thrown) {
    gone.abort();
    throw thrown;
  }
}

async function ask(
  c: HttpContext,
  gateway: Gateway,
  { deps, gone }: { deps: OpenAiDeps; gone: AbortController },
): Promise<Asking> {
  const { readJson, verifyUser, clock } = deps;
  const { visit, body } = await readAsked(c, { gateway, op: agentRespond, readJson, signal: gone.signal });
  const around = await circumstancesOf(
    { headers: c.req.raw.headers, body },
    { principal: visit.principal, verifyUser },
  );
  const request = toChatRequest(body, around);
  const { input, run } = request;
  const items = around.task === undefined
    ? await gateway.stream(agentRespond, () => ({ ...input, ...run }), visit, noting(c))
    : await gateway.stream(
      modelComplete,
      () => input,
      await visitOf(c, gateway, modelComplete, gone.signal),
      noting(c),
    );
  if (!items) throw new AppError("GoneError", "Cannot repeat the answer: its events are no longer kept");
  return { items, request, around, gone, created: Math.floor(clock.now() / 1000) };
}

function stream({ items, request, around, gone, created }: Asking, { streams }: OpenAiDeps): Response {
  const { input, include_usage, headers } = request;
  const chunks = new ChatChunks({
    model: input.agent_id,
    created,
    id: toCompletionId(createId("call")),
    include_usage,
    whole: "response_format" in input,
    events: around.events,
  });
  const toBytes = (frames: string) => frames === "" ? undefined : encoder.encode(frames);
  return streams.respond({
    items,
    visit: gone,
    toFrame: (item) => toBytes(chunks.framesOf(item)),
    toErrorFrame: (thrown) => encoder.encode(chunks.errorFrame(thrown)),
    atEnd: () => toBytes(chunks.endFrame()),
    headers,
  });
}

async function collected({ items, request, gone, created }: Asking, deps: OpenAiDeps): Promise<Response> {
  const { clock, collectMs } = deps;
  const { headers, input } = request;
  const begun = Promise.withResolvers<void>();
  const base = { id: toCompletionId(createId("call")), object: "chat.completion", created, model: input.agent_id };
  const whole = collectChat(items, {
    onBegun: begun.resolve,
    collect_ms: collectMs(),
    signal: gone.signal,
    clock,
  });
  return await answerLate({
    collected: whole.then((answer) => ({ ...base, ...toCompletion(answer) })),
    begun: begun.promise,
    gone,
    toResponse: (value) => Response.json(value, { headers }),
    // The status has gone out: who looks for a choice finds none, and why.
    toErrorBody: (error) => ({ ...base, ...idOf(error.details?.run_id), choices: [], ...toOpenAiError(error) }),
    headers,
    clock,
  });
}

/** The id, where it is a run's. */
function idOf(run_id: unknown): { id?: string } {
  return typeof run_id === "string" ? { id: toCompletionId(run_id) } : {};
}

function toCompletion(answer: Collected) {
  const { message, reasoning, run_id, usage } = answer;
  const calls = toToolCalls(message?.tool_calls ?? []);
  const annotations = toAnnotations(message?.citations ?? []);
  const content = message?.content ?? "";
  return {
    ...idOf(run_id),
    choices: [{
      index: 0,
      message: {
        role: "assistant",
        content: content === "" && calls.length > 0 ? null : content,
        refusal: null,
        ...reasoning !== "" && { reasoning_content: reasoning },
        ...annotations.length > 0 && { annotations },
        ...calls.length > 0 && { tool_calls: calls },
      },
      logprobs: null,
      finish_reason: toFinishReason(answer),
    }],
    usage: toUsage(usage),
  };
}
