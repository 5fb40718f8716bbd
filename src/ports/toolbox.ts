/**
 * Tools of the outside world.
 *
 * @module
 */
import type { Tool, ToolResult } from "../domain/tool.ts";
import type { Progress } from "./mcp_client.ts";

/** Options of a call. */
export interface ToolCallOptions {
  /** When it aborts, the tool is told. */
  signal: AbortSignal;
  tool_call_id: string;
  /** For whom it is called. */
  user_id?: string;
  onProgress?: (progress: Progress) => void;
}

/** Lists and calls tools. */
export interface Toolbox {
  /** What can be called now. One server that doesn't answer hides none of the others. */
  list(): Promise<Tool[]>;
  /** How long `tool` may be silent, and take in all while it tells its progress, where whoever attached it said so. */
  timeoutsOf?(tool: string): { timeout_ms?: number; max_timeout_ms?: number };
  call(tool: string, args: Record<string, unknown>, options: ToolCallOptions): Promise<ToolResult>;
}
