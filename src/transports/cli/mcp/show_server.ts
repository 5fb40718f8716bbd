/**
 * A tool server that was tried, as a person wants to know of it.
 *
 * @module
 */
import type { McpServerView } from "../../../domain/mcp_server.ts";
import { toSafe, toSafeJson } from "../chat/safe_text.ts";
import type { CommandContext } from "../command.ts";
import { wrapTo } from "../layout.ts";

const HELD = {
  full: "held by the sandbox",
  broker: "held by Deno's permissions alone",
  none: "not held by any sandbox",
} as const;

/** What is said of it: its state, why, its tools, and what holds it. */
function factsOf({ name, state, reason, last_error, tools, sandbox, sign_in_url }: McpServerView): string[] {
  const facts = [];
  const own = tools.map((tool) => tool.slice(name.length + 2)).join(", ");
  if (state === "ready") {
    facts.push(tools.length === 0 ? "It offers no tools" : `Tools, each called ${name}__…: ${own}`);
  } else facts.push(`It is not ready (${state}): ${reason ?? last_error ?? "nobody knows why"}`);
  if (sign_in_url !== null) facts.push(`Somebody has to allow it: ${sign_in_url}`);
  if (sandbox !== null) facts.push(`Its program is ${HELD[sandbox.tier]}, under the policy "${sandbox.policy}"`);
  const refused = sandbox?.decisions.filter(({ denied }) => denied > 0) ?? [];
  for (const { permission, value } of refused.slice(0, 5)) facts.push(`Denied: ${permission} ${value}`);
  if (refused.length > 0) facts.push(`"muxi mcp learn ${name}" proposes a policy with what it needs`);
  return facts;
}

/** Shows `view` below `title`. */
export function showServer(view: McpServerView, title: string, { terminal, style, json }: CommandContext): void {
  if (json) return terminal.out(`${toSafeJson(view)}\n`);
  const columns = terminal.isTerminal.out ? terminal.columns() : Infinity;
  const color = view.state === "ready" ? style.green : style.bold;
  const lines = factsOf(view).flatMap((fact) => wrapTo(toSafe(fact), columns - 2).map((line) => `  ${line}`));
  terminal.out([color(title), ...lines, ""].join("\n"));
}
