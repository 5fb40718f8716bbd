/**
 * Tools of the outside world.
 *
 * @module
 */

/** A tool that can be called. */
export interface Tool {
  name: string;
  description: string;
  /** JSON Schema of the arguments. */
  parameters: Record<string, unknown>;
  /** Whether calling it twice is as good as once. */
  idempotent: boolean;
}

/** A tool's answer. */
export interface ToolResult {
  /** What the model reads, as JSON. */
  result: unknown;
  /** Whether the tool says that it failed. */
  is_error: boolean;
}

/** Lists and calls tools. */
export interface Toolbox {
  list(): Promise<Tool[]>;
  /** Calls `tool`. When `signal` aborts, the tool is told. */
  call(
    tool: string,
    args: Record<string, unknown>,
    options: { signal: AbortSignal; tool_call_id: string },
  ): Promise<ToolResult>;
}
