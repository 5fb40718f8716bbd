/**
 * What a policy says of one tool.
 *
 * @module
 */
import { type NamedPolicy, type ToolRule, VERDICT, type Verdict } from "../../domain/policy.ts";
import { ownNameOf, type Tool } from "../../domain/tool.ts";
import { matchesLoosely } from "../../kit/wildcard.ts";

/** All rules for a tool taken together: the strictest decision, the smallest limits. */
export interface Ruling extends Omit<ToolRule, "arguments"> {
  /** The policy's id. */
  policy: string;
  /** The rule that decides; null where none matches. */
  rule: string | null;
  /** Every schema that the arguments must meet. */
  arguments: Record<string, unknown>[];
}

const LIMITS = ["per_minute", "concurrent", "timeout_seconds", "max_timeout_seconds", "max_result_bytes"] as const;

/** What `policy` says of `tool`. A rule may use the server's own name of it, or the one that models see. */
export function rulingOf(policy: NamedPolicy, tool: Tool): Ruling {
  const names = [ownNameOf(tool), ownNameOf({ ...tool, own_name: undefined })];
  const ruling: Ruling = { policy: policy.id, rule: null, decision: "allow", arguments: [] };
  for (const [pattern, rule] of Object.entries(policy.tools)) {
    if (names.some((name) => matchesLoosely(pattern, name))) take(ruling, pattern, rule);
  }
  return ruling;
}

function take(ruling: Ruling, pattern: string, rule: ToolRule): void {
  const stricter = strictness(rule.decision) - strictness(ruling.decision);
  if (ruling.rule === null || stricter > 0) {
    ruling.rule = pattern;
    ruling.decision = rule.decision;
    ruling.reason = rule.reason;
  } else if (stricter === 0) ruling.reason ??= rule.reason;
  if (rule.arguments) ruling.arguments.push(rule.arguments);
  for (const limit of LIMITS) {
    const value = rule[limit];
    if (value !== undefined) ruling[limit] = Math.min(value, ruling[limit] ?? Infinity);
  }
}

function strictness(decision: Verdict): number {
  return VERDICT.indexOf(decision);
}
