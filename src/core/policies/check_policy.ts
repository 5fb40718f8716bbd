/**
 * What a policy's schema can't tell of it.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { Policy, PolicyFile } from "../../domain/policy.ts";
import type { JsonSchema } from "../../ports/json_schema.ts";

/** Throws `ValidationError` where the schema of a rule's arguments is none. */
export function checkPolicy(id: string, policy: Policy, schema: JsonSchema): void {
  for (const [pattern, rule] of Object.entries(policy.tools)) {
    const problem = rule.arguments && schema.problemOf(rule.arguments);
    if (!problem) continue;
    const message = `Cannot use policy "${id}": the arguments' schema of the rule "${pattern}": ${problem}`;
    throw new AppError("ValidationError", message);
  }
}

/** Throws `ValidationError` where one of the policies in `files` can't be used. */
export function checkPolicyFiles(files: readonly PolicyFile[], schema: JsonSchema): void {
  for (const { policies } of files) {
    for (const [id, policy] of Object.entries(policies)) checkPolicy(id, policy, schema);
  }
}
