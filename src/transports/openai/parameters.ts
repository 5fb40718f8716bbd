/**
 * How a model is asked to speak, in both of OpenAI's dialects.
 *
 * What changes the answer's meaning and can't be done is refused. What at most
 * makes it faster, cheaper or better kept is accepted and left out; so is what
 * no list here knows, since clients send fields of other servers, and then the
 * answer's headers say so.
 *
 * @module
 */
import { z } from "zod";
import { AgentId, MODEL_PARAMETERS } from "../../domain/agent.ts";
import { Metadata } from "../../domain/conversation.ts";
import { AppError } from "../../domain/error.ts";
import type { RunOptions } from "../../domain/run.ts";
import { invalid, parse, unsupported } from "./errors.ts";

const { temperature, top_p, max_output_tokens, seed, presence_penalty, frequency_penalty, reasoning_effort } =
  MODEL_PARAMETERS;
const stop = MODEL_PARAMETERS.stop.unwrap();

const Parameters = z.object({
  temperature: temperature.nullable(),
  top_p: top_p.nullable(),
  max_tokens: max_output_tokens.nullable(),
  max_completion_tokens: max_output_tokens.nullable(),
  max_output_tokens: max_output_tokens.nullable(),
  stop: z.union([stop.element.transform((one) => [one]), stop], "expected a text or at most 16, none of them empty")
    .nullish(),
  seed: seed.nullable(),
  presence_penalty: presence_penalty.nullable(),
  frequency_penalty: frequency_penalty.nullable(),
  reasoning_effort: reasoning_effort.nullable(),
  reasoning: z.looseObject({ effort: reasoning_effort.nullable() }).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
});

const RUN_METADATA = Metadata.nullish();

/** What is left out without a word: it changes nothing of what is said. */
const HARMLESS = [
  "model",
  "user",
  "safety_identifier",
  "store",
  "stream",
  "stream_options",
  "metadata",
  "service_tier",
  "prediction",
  "prompt_cache_key",
  "prompt_cache_options",
  "prompt_cache_retention",
];

/** What the caller would miss in the answer. */
const UNSUPPORTED: Readonly<Record<string, { isMeant(value: unknown): boolean; reason: string }>> = {
  n: { isMeant: (value) => value !== 1, reason: "one answer is given, so only 1 is possible" },
  logprobs: { isMeant: (value) => value !== false, reason: "probabilities of tokens are not known" },
  top_logprobs: { isMeant: (value) => value !== 0, reason: "probabilities of tokens are not known" },
  logit_bias: { isMeant: isFilled, reason: "probabilities of tokens can't be changed" },
  audio: { isMeant: () => true, reason: "answers are text" },
  modalities: {
    isMeant: (value) => !Array.isArray(value) || value.some((one) => one !== "text"),
    reason: "answers are text",
  },
  functions: { isMeant: isFilled, reason: "it was replaced by tools" },
  function_call: { isMeant: (value) => value !== "none", reason: "it was replaced by tool_choice" },
  web_search_options: { isMeant: () => true, reason: "what an agent searches is its own affair" },
  moderation: { isMeant: () => true, reason: "nothing is moderated here" },
};

function isFilled(value: unknown): boolean {
  return Object.keys(value as object).length > 0;
}

/** Refuses what is said in the words of OpenAI's other dialect: left out, it would be missed. */
export function checkDialect(body: Record<string, unknown>, others: Readonly<Record<string, string>>): void {
  for (const [name, place] of Object.entries(others)) {
    const value = body[name];
    if (value !== undefined && value !== null && value !== false && value !== "") {
      throw unsupported(name, `here it belongs to ${place}`);
    }
  }
}

/** How the model is to speak, as a run takes it. */
export function toParameters(body: Record<string, unknown>): Partial<RunOptions> {
  for (const [name, { isMeant, reason }] of Object.entries(UNSUPPORTED)) {
    const value = body[name];
    if (value !== undefined && value !== null && isMeant(value)) throw unsupported(name, reason);
  }
  const { max_tokens, max_completion_tokens, max_output_tokens, reasoning, reasoning_effort, stop, ...rest } = parse(
    Parameters,
    body,
  );
  const all = {
    ...rest,
    max_output_tokens: max_output_tokens ?? max_completion_tokens ?? max_tokens,
    reasoning_effort: reasoning_effort ?? reasoning?.effort,
    stop: stop?.length === 0 ? undefined : stop,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined && value !== null));
}

/** The caller's own names and values, kept with the run. */
export function toMetadata(body: Record<string, unknown>): Record<string, unknown> {
  return parse(RUN_METADATA, body.metadata, "metadata") ?? {};
}

/** The fields of `body` that nobody here reads: neither these nor `known`. */
export function ignoredIn(body: Record<string, unknown>, known: readonly string[]): string[] {
  return Object.keys(body).filter((name) =>
    body[name] !== null && /^[\w.-]{1,64}$/.test(name) && !known.includes(name) && !HARMLESS.includes(name) &&
    !(name in Parameters.shape) && !(name in UNSUPPORTED)
  ).slice(0, 20);
}

/** The header that names {@linkcode ignoredIn}. */
export function ignoredHeader(names: readonly string[]): Record<string, string> {
  return names.length === 0 ? {} : { "x-muxi-ignored": names.join(", ") };
}

/** The agent that a request asks for. */
export function toAgentId(body: Record<string, unknown>): string {
  const { model } = body;
  if (AgentId.safeParse(model).success) return model as string;
  if (typeof model === "string" && model !== "") throw unknownModel(model);
  throw invalid('Cannot answer without "model": expected an agent\'s id', {
    param: "model",
    code: "missing_required_parameter",
  });
}

/** What no agent can be called is not there. */
export function unknownModel(model: string): AppError {
  return new AppError("AgentNotFoundError", `Cannot find agent "${model.slice(0, 100)}"`);
}
