/**
 * The prompts that agents bring along.
 *
 * @module
 */
import { type GetPromptResult, type Prompt, ProtocolError, ProtocolErrorCode } from "@modelcontextprotocol/server";
import type { Agent, AgentPrompt } from "../../../domain/agent.ts";

const BETWEEN = "__";

/** An agent's prompts as they are listed. */
export function toPrompts({ id, prompts = [] }: Agent): Prompt[] {
  return prompts.map(({ name, description, arguments: args }) => ({
    name: `${id}${BETWEEN}${name}`,
    description,
    arguments: args.map(({ name, description, required }) => ({ name, description, required })),
  }));
}

/** The agent whose prompt `name` is, and what it calls it. */
export function ownerOfPrompt(name: string): { agent_id: string; prompt: string } | undefined {
  const at = name.lastIndexOf(BETWEEN);
  return at > 0 ? { agent_id: name.slice(0, at), prompt: name.slice(at + BETWEEN.length) } : undefined;
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
