/**
 * Agents as tools.
 *
 * @module
 */
import type { Tool } from "@modelcontextprotocol/server";
import { z } from "zod";
import { type Agent, AgentId } from "../../../domain/agent.ts";
import { ConversationId } from "../../../domain/conversation.ts";
import { MAX_CONTENT } from "../../../domain/message.ts";
import { Answer } from "../../../domain/run.ts";
import { agentChatStream } from "../../../operations/chat.ts";
import { AppError } from "../../../domain/error.ts";
import type { Ask, CallOutcome } from "../catalog.ts";
import { toJsonSchema } from "./json_schema.ts";
import type { RunTool } from "./run_tool.ts";

const PREFIX = "agent__";

const Input = z.strictObject({
  message: z.string().min(1).max(MAX_CONTENT).describe("What to say to the agent"),
  conversation_id: ConversationId.optional().describe("Goes on with that conversation; absent: a new one"),
});
const inputSchema = toJsonSchema(Input, "input");
const outputSchema = toJsonSchema(Answer, "output");

/** The agent that a tool's name stands for. */
export function agentOf(name: string): string | undefined {
  if (!name.startsWith(PREFIX)) return undefined;
  const id = name.slice(PREFIX.length);
  return AgentId.safeParse(id).success ? id : undefined;
}

/** An agent as a tool. */
export function toAgentTool({ id, name, description }: Agent): Tool {
  return {
    name: `${PREFIX}${id}`,
    description: description === "" ? `Ask the agent ${name}` : description,
    inputSchema,
    outputSchema,
    annotations: {
      title: name,
      readOnlyHint: false,
      destructiveHint: false,
      idempotentHint: false,
      // What it may reach is its own affair.
      openWorldHint: true,
    },
  };
}

/** Talks to an agent. */
export async function callAgent(
  runTool: RunTool,
  { agent_id, args }: { agent_id: string; args: Record<string, unknown> },
  ask: Ask,
): Promise<CallOutcome> {
  const input = Input.safeParse(args);
  if (!input.success) {
    throw new AppError("ValidationError", `Cannot call agent "${agent_id}": ${z.prettifyError(input.error)}`);
  }
  return await runTool.call(agentChatStream, { ...input.data, agent_id }, ask);
}
