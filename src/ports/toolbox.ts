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

/** What is another now, and whose it is. */
export interface CatalogChange {
  kind: "tools" | "resources" | "prompts";
  server: string | null;
  /** Nobody else may hear of it; absent: everybody may. */
  tenant_id?: string;
}

/** Lists and calls tools. */
export interface Toolbox {
  /**
   * What can be called now: the same array while nothing changed. One server that doesn't answer hides none of the
   * others.
   */
  list(): Promise<readonly Tool[]>;
  /** The tool `name`, without looking through the list. */
  find?(name: string): Tool | undefined;
  /** The only tenant that may know of `tool`; undefined: everybody may. */
  tenantOf?(tool: string): string | undefined;
  /** What the server of `tool` was trusted with, and must not be told by its answers. */
  secretsOf?(tool: string): readonly string[];
  /** Calls `listener` when something comes, goes or changes, until disposed. */
  watch?(listener: (change: CatalogChange) => void): Disposable;
  /** How long `tool` may be silent, and take in all while it tells its progress, where whoever attached it said so. */
  timeoutsOf?(tool: string): { timeout_ms?: number; max_timeout_ms?: number };
  call(tool: string, args: Record<string, unknown>, options: ToolCallOptions): Promise<ToolResult>;
}
