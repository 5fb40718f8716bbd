/**
 * A toolbox that does what a test tells it, and notes every call.
 *
 * @module
 */
import { type Tool, type ToolResult, toolText } from "../../src/domain/tool.ts";
import type { Toolbox } from "../../src/ports/toolbox.ts";

/** What a scripted tool answers: what the model is to read, and whether it failed. */
export interface Answered {
  result: unknown;
  is_error: boolean;
}

/** What a tool does when it is called. */
export type Act = (args: Record<string, unknown>, signal: AbortSignal) => Promise<Answered> | Answered;

/** A tool of a script: how it looks, and what it does. */
export interface ScriptedTool extends Partial<Tool> {
  act: Act;
}

/** A call that was made. */
export interface MadeCall {
  tool: string;
  arguments: Record<string, unknown>;
  tool_call_id: string;
  cancelled: boolean;
}

/** A {@linkcode Toolbox} of `tools`, with the calls it got. */
export function scriptedToolbox(tools: Record<string, ScriptedTool>): Toolbox & { calls: MadeCall[] } {
  const calls: MadeCall[] = [];
  return {
    calls,
    list: () =>
      Promise.resolve(
        Object.entries(tools).map(([name, { act: _, ...tool }]): Tool => ({
          description: `The tool ${name}`,
          parameters: { type: "object" },
          read_only: false,
          destructive: false,
          idempotent: false,
          open_world: false,
          server: null,
          ...tool,
          name,
        })),
      ),
    async call(tool, args, { signal, tool_call_id }) {
      const made: MadeCall = { tool, arguments: args, tool_call_id, cancelled: false };
      calls.push(made);
      signal.addEventListener("abort", () => made.cancelled = true, { once: true });
      return toResult(await tools[tool]!.act(args, signal));
    },
  };
}

function toResult({ result, is_error }: Answered): ToolResult {
  if (typeof result === "string") return toolText(result, is_error);
  return { content: [], structured_content: result, is_error };
}
