/**
 * The prompts that agents bring along.
 *
 * @module
 */
import { type GetPromptResult, type Prompt, ProtocolError, ProtocolErrorCode } from "@modelcontextprotocol/server";
import type { Agent, AgentPrompt } from "../../../domain/agent.ts";
import { agentGet } from "../../../operations/agents.ts";
import type { Gateway } from "../../../operations/gateway.ts";
import type { Visit } from "../../../operations/operation.ts";
import { orNone } from "./or_none.ts";

const BETWEEN = "__";

/** An agent's prompts as they are listed. */
export function toPrompts({ id, prompts = [] }: Agent): Prompt[] {
  return prompts.map(({ name, description, arguments: args }) => ({
    name: `${id}${BETWEEN}${name}`,
    description,
    arguments: args.map(({ name, description, required }) => ({ name, description, required })),
  }));
}

/** The agent's prompt that is listed as `name`, if there is one. */
export async function findPrompt(gateway: Gateway, name: string, visit: Visit): Promise<AgentPrompt | undefined> {
  const at = name.lastIndexOf(BETWEEN);
  if (at <= 0) return undefined;
  const agent = await gateway.call(agentGet, () => ({ agent_id: name.slice(0, at) }), visit).catch(orNone);
  return agent?.prompts?.find((prompt) => prompt.name === name.slice(at + BETWEEN.length));
}

/** A prompt with its arguments filled in. */
export function fillPrompt(
  { name, description, text, arguments: known }: AgentPrompt,
  given: Readonly<Record<string, string>>,
): GetPromptResult {
  const missing = known.find(({ name, required }) => required && given[name] === undefined);
  if (missing) {
    throw new ProtocolError(
      ProtocolErrorCode.InvalidParams,
      `Cannot fill in the prompt "${name}": it needs the argument "${missing.name}"`,
    );
  }
  const filled = text.replaceAll(/\{\{\s*([\w-]+)\s*\}\}/g, (all, argument: string) => {
    return known.some(({ name }) => name === argument) ? given[argument] ?? "" : all;
  });
  return { description, messages: [{ role: "user", content: { type: "text", text: filled } }] };
}
