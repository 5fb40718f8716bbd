/**
 * A toolbox that does what a test tells it, and notes every call.
 *
 * @module
 */
import type { Tool, Toolbox, ToolResult } from "../../src/ports/toolbox.ts";

/** What a tool does when it is called. */
export type Act = (args: Record<string, unknown>, signal: AbortSignal) => Promise<ToolResult> | ToolResult;

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
        Object.entries(tools).map(([name, { description, parameters, idempotent }]) => ({
          name,
          description: description ?? `The tool ${name}`,
          parameters: parameters ?? { type: "object" },
          idempotent: idempotent ?? false,
        })),
      ),
    async call(tool, args, { signal, tool_call_id }) {
      const made: MadeCall = { tool, arguments: args, tool_call_id, cancelled: false };
      calls.push(made);
      signal.addEventListener("abort", () => made.cancelled = true, { once: true });
      return await tools[tool]!.act(args, signal);
    },
  };
}
