/**
 * Tools of the outside world.
 *
 * @module
 */
import type { McpServerState } from "../domain/mcp_server.ts";
import type { Tool, ToolResult } from "../domain/tool.ts";
import type { Progress } from "./mcp_client.ts";

/** Options of a call. */
export interface ToolCallOptions {
  /** When it aborts, the tool is told. */
  signal: AbortSignal;
  tool_call_id: string;
  /** Who would be asked what its server asks in this call. */
  audience?: string;
  /** Whose call it is. */
  owner?: string;
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

/** A server that is not ready. */
export interface UnreadyServer {
  name: string;
  state: McpServerState;
  reason: string | null;
  /** Whether its tools are in the list all the same, as it had them before. */
  listed: boolean;
  /** What it was trusted with, and where it is: no word of it may be in what is said of it. */
  hidden: readonly string[];
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
  /** The servers of a tenant that are not ready, by name; those that rest until somebody calls are. */
  unready?(tenant_id: string): readonly UnreadyServer[];
  /** Tries the server `name` at once, unless it failed too often. Resolves when that went well, or not. */
  reach?(name: string): Promise<void>;
  /** How long `tool` may be silent, and take in all while it tells its progress, where whoever attached it said so. */
  timeoutsOf?(tool: string): { timeout_ms?: number; max_timeout_ms?: number };
  call(tool: string, args: Record<string, unknown>, options: ToolCallOptions): Promise<ToolResult>;
}
