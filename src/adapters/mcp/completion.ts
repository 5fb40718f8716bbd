/**
 * Completion in the protocol's own shape.
 *
 * @module
 */
import { MAX_PROPOSALS, type Proposals } from "../../domain/proposals.ts";
import type { CompletionRequest } from "../../ports/mcp_client.ts";
import { MAX_VALUE } from "./limits.ts";
import { type Fields, toFields, toList, toText } from "./shape.ts";

/** The parameters of `completion/complete`. */
export function toCompleteParams({ of, argument: name, value, arguments: known }: CompletionRequest): Fields {
  return {
    ref: "prompt" in of ? { type: "ref/prompt", name: of.prompt } : { type: "ref/resource", uri: of.uri },
    argument: { name, value },
    ...Object.keys(known).length > 0 && { context: { arguments: known } },
  };
}

/** What it answers, as far as it can be used. Throws `AnswerMalformed`. */
export function toProposals(result: unknown): Proposals {
  const { values, total, hasMore } = toFields(toFields(result, "answer").completion, "completion");
  const texts = toList(values, "values").map((value) => toText(value, "value"));
  // A value that is cut would be another one.
  const usable = texts.filter(({ length }) => length <= MAX_VALUE);
  return {
    values: usable.slice(0, MAX_PROPOSALS),
    ...Number.isSafeInteger(total) && { total: total as number },
    has_more: hasMore === true || usable.length > MAX_PROPOSALS,
  };
}
