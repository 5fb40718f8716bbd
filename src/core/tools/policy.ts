/**
 * What an agent may call.
 *
 * @module
 */
import type { AgentConfig } from "../../domain/agent.ts";

/** What the policy says of a call. */
export type Verdict = "allow" | "ask" | "deny";

/** Whether `name` matches `pattern`, in which `*` stands for any part. */
export function matches(pattern: string, name: string): boolean {
  const parts = pattern.split("*");
  if (parts.length === 1) return pattern === name;
  const [first = "", last = ""] = [parts[0], parts.at(-1)];
  if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last)) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at <= name.length - last.length;
}

/** Decides about `tool`: denied unless allowed, and asked for where the policy wants a person. */
export function judge(agent: AgentConfig, tool: string): Verdict {
  const any = (patterns: readonly string[] = []) => patterns.some((pattern) => matches(pattern, tool));
  if (!any(agent.allowed_tools) || any(agent.policies.deny)) return "deny";
  return any(agent.policies.ask) ? "ask" : "allow";
}
