/**
 * What a response repeats of its request. It is read from the run, whoever asks and whenever, so that the first answer
 * and every later one say the same.
 *
 * @module
 */
import { z } from "zod";
import type { ResponseFormat, Run, RunOptions } from "../../domain/run.ts";
import { timeOf } from "../../kit/id.ts";
import { toResponseId } from "./ids.ts";
import type { ResponseObject, ResponseState } from "./response_shape.ts";

/** Under which name the run's metadata keeps what a run has no place for. The caller's own values are texts. */
export const KEPT = "openai_response";

const Kept = z.object({ store: z.boolean(), previous_response_id: z.string().nullable() });

/** What is kept with a run of this door. */
export type Kept = z.infer<typeof Kept>;

/** What stands fast in a response from its beginning. */
export interface ResponseFacts extends Kept {
  agent_id: string;
  background: boolean;
  metadata: Record<string, unknown>;
  options: RunOptions;
  response_format: ResponseFormat | null;
}

/** What a run needs to be shown as a response. */
export type ShownRun =
  & Pick<Run, "agent_id" | "metadata" | "options" | "on_disconnect">
  & { response_format?: ResponseFormat | null | undefined };

/** The facts of a run, whichever door it came through. */
export function toFacts({ agent_id, metadata, options, on_disconnect, response_format }: ShownRun): ResponseFacts {
  const { [KEPT]: kept, ...own } = metadata;
  const { store, previous_response_id } = Kept.safeParse(kept).data ?? { store: true, previous_response_id: null };
  return {
    agent_id,
    background: on_disconnect === "continue",
    metadata: own,
    options: options ?? {},
    response_format: response_format ?? null,
    store,
    previous_response_id,
  };
}

/** The response of `state`, with everything that its request said. */
export function toResponse(facts: ResponseFacts, state: ResponseState, conversation_id: string | null): ResponseObject {
  const { options, store } = facts;
  return {
    id: state.id,
    object: "response",
    created_at: state.created_at,
    status: state.status,
    background: facts.background,
    completed_at: state.completed_at,
    // One that is made for a single answer is nothing to come back to.
    conversation: store && conversation_id !== null ? { id: conversation_id } : null,
    error: state.error,
    incomplete_details: state.incomplete_details,
    instructions: options.instructions ?? null,
    max_output_tokens: options.max_output_tokens ?? null,
    max_tool_calls: null,
    metadata: facts.metadata,
    model: facts.agent_id,
    output: state.output,
    parallel_tool_calls: options.parallel_tool_calls ?? true,
    previous_response_id: facts.previous_response_id,
    reasoning: { effort: options.reasoning_effort ?? null, summary: null },
    service_tier: "default",
    store,
    temperature: options.temperature ?? null,
    text: { format: toFormat(facts.response_format) },
    tool_choice: toChoice(options.tool_choice),
    tools: (options.tools ?? []).map((tool) => ({ type: "function", ...tool, strict: null })),
    top_logprobs: 0,
    top_p: options.top_p ?? null,
    truncation: "disabled",
    usage: state.usage,
  };
}

/** The state of a response of which nothing is known yet but its run. */
export function toNewState(run_id: string): ResponseState {
  return {
    id: toResponseId(run_id),
    created_at: Math.floor(timeOf(run_id) / 1000),
    status: "in_progress",
    completed_at: null,
    error: null,
    incomplete_details: null,
    output: [],
    usage: null,
  };
}

function toFormat(format: ResponseFormat | null): Record<string, unknown> {
  if (format === null) return { type: "text" };
  return { ...format, description: null, strict: true };
}

function toChoice(choice: RunOptions["tool_choice"]): unknown {
  return typeof choice === "object" ? { type: "function", name: choice.tool } : choice ?? "auto";
}
