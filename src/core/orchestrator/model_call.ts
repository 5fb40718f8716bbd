/**
 * The row that every call of a model leaves.
 *
 * @module
 */
import type { Owner } from "../../domain/access.ts";
import type { ModelCallRow, RunRow, StepRow } from "../../domain/table.ts";
import { createId } from "../../kit/id.ts";
import type { TokenCount } from "../../ports/model.ts";

/** What is known of a call. */
export interface CallFacts extends Pick<ModelCallRow, "provider" | "model" | "cost" | "outcome" | "error"> {
  tokens: TokenCount;
  started_at: string;
  duration_ms: number;
}

/** The row of a call that `run` made in `step`. */
export function toModelCallRow(run: RunRow, step: StepRow, facts: CallFacts): ModelCallRow {
  return toLooseCallRow(run, run.agent_id, facts, { run_id: run.id, step_id: step.id });
}

/** The row of a call for `owner`, of a run or of none. */
export function toLooseCallRow(
  { tenant_id, key_id, user_id }: Owner,
  agent_id: string,
  { tokens, ...facts }: CallFacts,
  { run_id, step_id }: Pick<ModelCallRow, "run_id" | "step_id"> = { run_id: null, step_id: null },
): ModelCallRow {
  return {
    tenant_id,
    key_id,
    user_id,
    id: createId("call"),
    run_id,
    step_id,
    agent_id,
    input_tokens: tokens.input_tokens,
    output_tokens: tokens.output_tokens,
    reasoning_tokens: tokens.reasoning_tokens ?? 0,
    cached_input_tokens: tokens.cached_input_tokens ?? 0,
    ...facts,
  };
}
