/**
 * Agents as tools.
 *
 * @module
 */
import type { Tool } from "@modelcontextprotocol/server";
import { z } from "zod";
import { type Agent, AgentId } from "../../../domain/agent.ts";
import { ConversationId } from "../../../domain/conversation.ts";
import { AppError } from "../../../domain/error.ts";
import { MAX_CONTENT } from "../../../domain/message.ts";
import type { Page } from "../../../domain/page.ts";
import { Answer } from "../../../domain/run.ts";
import { MAX_TOOL_NAME, toToolName } from "../../../domain/tool.ts";
import { agentGet, agentList } from "../../../operations/agents.ts";
import { agentChatStream } from "../../../operations/chat.ts";
import type { Gateway } from "../../../operations/gateway.ts";
import type { Visit } from "../../../operations/operation.ts";
import type { Ask, CallOutcome } from "../catalog.ts";
import { toJsonSchema } from "./json_schema.ts";
import { orNone } from "./or_none.ts";
import type { RunTool } from "./run_tool.ts";

/** Stands where other tools have the name of their server. */
const SERVER = "agent";
const PREFIX = `${SERVER}__`;
const PAGE = 100;
const MAX_PAGES = 50;

const Input = z.strictObject({
  message: z.string().min(1).max(MAX_CONTENT).describe("What to say to the agent"),
  conversation_id: ConversationId.optional().describe("Goes on with that conversation; absent: a new one"),
});
const inputSchema = toJsonSchema(Input, "input");
const outputSchema = toJsonSchema(Answer, "output");

/** Whether a tool's name is an agent's. */
export function isAgentTool(name: string): boolean {
  return name.startsWith(PREFIX) && AgentId.safeParse(name.slice(PREFIX.length)).success;
}

/** The agent that a tool's name stands for: the rest of it, or whose id had to be cut for it. */
async function agentOf(gateway: Gateway, name: string, visit: Visit): Promise<string> {
  const id = name.slice(PREFIX.length);
  if (name.length !== MAX_TOOL_NAME) return id;
  if (await gateway.call(agentGet, () => ({ agent_id: id }), visit).catch(orNone)) return id;
  let cursor: string | null = null;
  for (let page = 0; page < MAX_PAGES; page++) {
    const input: { limit: number; cursor?: string } = { limit: PAGE, ...cursor !== null && { cursor } };
    const { data, next_cursor }: Page<Agent> = await gateway.call(agentList, () => input, visit);
    const cut = data.find((agent) => toToolName(SERVER, agent.id) === name);
    if (cut) return cut.id;
    cursor = next_cursor;
    if (cursor === null) break;
  }
  return id;
}

/** An agent as a tool. */
export function toAgentTool({ id, name, description }: Agent): Tool {
  return {
    name: toToolName(SERVER, id),
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
  { gateway, runTool }: { gateway: Gateway; runTool: RunTool },
  { name, args }: { name: string; args: Record<string, unknown> },
  ask: Ask,
): Promise<CallOutcome> {
  const agent_id = await agentOf(gateway, name, ask.visit);
  const input = Input.safeParse(args);
  if (!input.success) {
    throw new AppError("ValidationError", `Cannot call agent "${agent_id}": ${z.prettifyError(input.error)}`);
  }
  return await runTool.call(agentChatStream, { ...input.data, agent_id }, ask);
}
