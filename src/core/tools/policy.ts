/**
 * What an agent may call.
 *
 * @module
 */
import type { AgentConfig } from "../../domain/agent.ts";
import type { Verdict } from "../../domain/policy.ts";
import type { Tool } from "../../domain/tool.ts";
import { matches, matchesLoosely } from "../../kit/wildcard.ts";

/** Decides about `tool`: denied unless allowed, and asked for where the agent's policy wants a person. */
export function judge(agent: AgentConfig, tool: string): Verdict {
  const { deny = [], ask = [] } = agent.policies;
  if (!agent.allowed_tools.some((pattern) => matches(pattern, tool)) || isNamed(deny, tool)) return "deny";
  return isNamed(ask, tool) ? "ask" : "allow";
}

/** Decides about what `agent` has anyway, under all its `names`. */
export function judgeOffered({ policies: { deny = [], ask = [] } }: AgentConfig, names: readonly string[]): Verdict {
  if (names.some((name) => isNamed(deny, name))) return "deny";
  return names.some((name) => isNamed(ask, name)) ? "ask" : "allow";
}

function isNamed(patterns: readonly string[], tool: string): boolean {
  return patterns.some((pattern) => matchesLoosely(pattern, tool));
}

/** Whether `agent` is attached to the server of `tool`. */
export function isAttached({ mcp_servers }: AgentConfig, { server }: Tool): boolean {
  return server === null || mcp_servers.some(({ name }) => name === server);
}

/** Why {@linkcode judge} says no, and what to change. */
export function whyDenied(agent: AgentConfig, tool: string): string {
  const ban = agent.policies.deny?.find((pattern) => matchesLoosely(pattern, tool));
  if (ban !== undefined) return `the agent's policy does not allow it: take "${ban}" out of policies.deny`;
  return `the agent's policy does not allow it: add "${tool}" to allowed_tools`;
}
