/**
 * What a model is asked in a step of a run.
 *
 * @module
 */
import type { AgentConfig } from "../../domain/agent.ts";
import type { RunRow } from "../../domain/table.ts";
import type { ModelRequest } from "../../ports/model.ts";
import type { Tools } from "../tools/tools.ts";
import { isOfCaller, toModelTools } from "./client_tools.ts";
import type { Context, ContextOptions } from "./context.ts";

/** What matters of a step for what is asked. */
export interface Asked extends ContextOptions {
  run: Pick<RunRow, "tenant_id" | "user_id" | "conversation_id" | "turn" | "options" | "response_format">;
  agent: AgentConfig;
  position: number;
}

/** What {@linkcode toModelRequest} needs. */
export interface RequestParts {
  tools: Tools;
  context: Context;
}

/** What is asked. */
export async function toModelRequest(
  { tools: known, context }: RequestParts,
  { run, agent, position, ...options }: Asked,
): Promise<ModelRequest> {
  const { eyes } = options;
  const { messages, passages } = await context.build(run, agent, options);
  // Out of steps: without our tools the model can only answer, or ask the caller.
  const offered = isLast(agent, position) ? [] : await known.offered(run.tenant_id, agent, { eyes });
  const own = offered.filter(({ name }) => !isOfCaller(run, name));
  const { tools = [], tool_choice, parallel_tool_calls, instructions: _, ...parameters } = run.options ?? {};
  return {
    choice: { ...agent.model, ...parameters },
    messages,
    passages,
    tools: [
      ...own.map(({ name, description, parameters }) => ({ name, description, parameters })),
      ...toModelTools(tools),
    ],
    // A tool that must be called is called once: after its result the model may answer.
    tool_choice: position === 0 || tool_choice === "none" ? tool_choice : undefined,
    parallel_tool_calls,
    response_format: run.response_format,
  };
}

/** Whether no further step of the model may follow: its steps and those of tools take turns. */
export function isLast({ max_steps }: AgentConfig, position: number): boolean {
  return position >= (max_steps - 1) * 2;
}
