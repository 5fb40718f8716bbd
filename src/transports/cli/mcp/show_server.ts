/**
 * A tool server that was tried, as a person wants to know of it.
 *
 * @module
 */
import type { McpServerView } from "../../../domain/mcp_server.ts";
import { toSafe, toSafeJson } from "../chat/safe_text.ts";
import type { CommandContext } from "../command.ts";
import { wrapTo } from "../layout.ts";

/** How many names of tools are told. */
const MOST_NAMES = 20;
const HELD = {
  full: "held by the sandbox",
  broker: "held by Deno's permissions alone",
  none: "not held by any sandbox",
} as const;

/** What {@linkcode showServer} tells, and where. */
export interface ShowServerOptions extends Pick<CommandContext, "terminal" | "style" | "json"> {
  /** Which of its tools the agent may call, by their full names; all of them unless told. */
  isAllowed?: (tool: string) => boolean;
  /** Further sentences. */
  notes?: readonly string[];
}

function toNames(tools: readonly string[]): string {
  const more = tools.length - MOST_NAMES;
  return more > 0 ? `${tools.slice(0, MOST_NAMES).join(", ")} and ${more} more` : tools.join(", ");
}

function toolsOf({ name, tools }: McpServerView, isAllowed: (tool: string) => boolean): string {
  if (tools.length === 0) return "It offers no tools";
  const allowed = tools.filter(isAllowed);
  const own = toNames(allowed.map((tool) => tool.slice(name.length + 2)));
  if (allowed.length === tools.length) return `Tools, each called ${name}__…: ${own}`;
  if (allowed.length === 0) return `The agent may call none of its ${tools.length} tools`;
  return `The agent may call ${allowed.length} of its ${tools.length} tools, each called ${name}__…: ${own}`;
}

/** Why it can't be used, and what to do. */
function troubleOf({ name, state, reason, last_error, agents }: McpServerView): string[] {
  const away = `"muxi mcp remove ${name}" takes it away again`;
  const agent = agents[0] ?? "AGENT";
  if (state === "connecting") {
    const why = reason ?? "it has not answered yet";
    return [
      `It is not ready (connecting): ${why}`,
      `It is still being tried: "muxi mcp list" shows how that went; ${away}`,
    ];
  }
  const again = `Once that is mended, "muxi mcp-servers restart ${agent} ${name}" tries it again`;
  return [`It is not ready (${state}): ${reason ?? last_error ?? "nobody knows why"}`, `${again}; ${away}`];
}

/** What is said of it: its state, why, its tools, and what holds it. */
function factsOf(view: McpServerView, { isAllowed = () => true, notes = [] }: ShowServerOptions): string[] {
  const { name, state, sandbox, sign_in_url } = view;
  const facts = state === "ready" ? [toolsOf(view, isAllowed)] : troubleOf(view);
  if (sign_in_url !== null) facts.push(`Somebody has to allow it: ${sign_in_url}`);
  if (sandbox !== null) {
    facts.push(
      `Its program is ${HELD[sandbox.tier]}, under the policy "${sandbox.policy}", ` +
        `and bounded by ${sandbox.ceilings.join(" and by ")}`,
    );
  }
  const refused = sandbox?.decisions.filter(({ denied }) => denied > 0) ?? [];
  for (const { permission, value } of refused.slice(0, 5)) facts.push(`Denied: ${permission} ${value}`);
  if (refused.length > 0) {
    facts.push(
      sandbox!.watchable
        ? `"muxi mcp learn ${name}" proposes a policy with what it needs`
        : `"muxi policies update" allows what it needs, by hand: only programs in JavaScript can be watched`,
    );
  }
  return [...facts, ...notes];
}

/** Shows `view` below `title`. */
export function showServer(view: McpServerView, title: string, options: ShowServerOptions): void {
  const { terminal, style, json } = options;
  if (json) return terminal.out(`${toSafeJson(view)}\n`);
  const columns = terminal.isTerminal.out ? terminal.columns() : Infinity;
  const color = view.state === "ready" ? style.green : style.bold;
  const lines = factsOf(view, options).flatMap((fact) => wrapTo(toSafe(fact), columns - 2).map((line) => `  ${line}`));
  terminal.out([color(title), ...lines, ""].join("\n"));
}
