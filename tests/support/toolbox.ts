/**
 * A toolbox that does what a test tells it, and notes every call.
 *
 * @module
 */
import { type Tool, type ToolResult, toolText } from "../../src/domain/tool.ts";
import type { CatalogChange, Toolbox, ToolCallOptions } from "../../src/ports/toolbox.ts";

/** What a scripted tool answers: what the model is to read, and whether it failed; or the answer as it is. */
export type Answered = { result: unknown; is_error: boolean } | ToolResult;

/** What a tool does when it is called. */
export type Act = (
  args: Record<string, unknown>,
  signal: AbortSignal,
  options: ToolCallOptions,
) => Promise<Answered> | Answered;

/** A tool of a script: how it looks, and what it does. */
export interface ScriptedTool extends Partial<Tool> {
  act: Act;
  /** What its server was trusted with. */
  secrets?: string[];
}

/** A call that was made. */
export interface MadeCall {
  tool: string;
  arguments: Record<string, unknown>;
  tool_call_id: string;
  cancelled: boolean;
}

/** A toolbox in the hands of a test. */
export interface ScriptedToolbox extends Toolbox {
  calls: MadeCall[];
  /** Tells that something is another now. */
  tell(change: CatalogChange): void;
}

/** A {@linkcode Toolbox} of `tools`, with the calls it got. */
export function scriptedToolbox(tools: Record<string, ScriptedTool>): ScriptedToolbox {
  const calls: MadeCall[] = [];
  const listeners = new Set<(change: CatalogChange) => void>();
  const list = Object.entries(tools).map(([name, { act: _, secrets: __, ...tool }]): Tool => ({
    description: `The tool ${name}`,
    parameters: { type: "object" },
    read_only: false,
    destructive: false,
    idempotent: false,
    open_world: false,
    server: null,
    ...tool,
    name,
  }));
  return {
    calls,
    list: () => Promise.resolve(list),
    secretsOf: (tool) => tools[tool]?.secrets ?? [],
    watch(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    tell(change) {
      for (const listener of listeners) listener(change);
    },
    async call(tool, args, options) {
      const { signal, tool_call_id } = options;
      const made: MadeCall = { tool, arguments: args, tool_call_id, cancelled: false };
      calls.push(made);
      signal.addEventListener("abort", () => made.cancelled = true, { once: true });
      return toResult(await tools[tool]!.act(args, signal, options));
    },
  };
}

function toResult(answered: Answered): ToolResult {
  if ("content" in answered) return answered;
  const { result, is_error } = answered;
  if (typeof result === "string") return toolText(result, is_error);
  return { content: [], structured_content: result, is_error };
}
