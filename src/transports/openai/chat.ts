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
import { collectChat } from "./chat_collect.ts";
import { toBrokenChoice, toChoice } from "./chat_choice.ts";
import { type ChatRequest, toChatRequest } from "./chat_request.ts";
import { ChatSaid } from "./chat_said.ts";
import { answering, type OpenAiDeps, pathsOf } from "./door.ts";
import { toOpenAiError } from "./errors.ts";
import { toCompletionId } from "./ids.ts";
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
  const said = new ChatSaid();
  const made = createId("call");
  const base = () => ({
    id: toCompletionId(said.run_id ?? made),
    object: "chat.completion",
    created,
    model: input.agent_id,
  });
  const whole = collectChat(items, {
    said,
    onBegun: begun.resolve,
    collect_ms: collectMs(),
    signal: gone.signal,
    clock,
  });
  return await answerLate({
    collected: whole.then((ended) => ({ ...base(), choices: [toChoice(ended, said)], usage: toUsage(ended.usage) })),
    begun: begun.promise,
    gone,
    toResponse: (value) => Response.json(value, { headers }),
    // The status has gone out. Clients look for a choice before they look for an error.
    toErrorBody: (error) => ({
      ...base(),
      choices: [toBrokenChoice(said, { whole: "response_format" in input })],
      ...toOpenAiError(error),
    }),
    headers,
    clock,
  });
}
