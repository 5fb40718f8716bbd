/**
 * What agents need of whoever keeps the definitions of tool servers.
 *
 * @module
 */
import type { Owner } from "../../domain/access.ts";
import type { McpServerSource } from "../../domain/mcp_definition.ts";
import type { McpServer } from "../../domain/mcp_server.ts";
import type { Precondition, Write } from "../../ports/store.ts";

/** What attaching servers to an agent comes to. */
export interface Attached {
  /** What the agent keeps of them. */
  references: McpServer[];
  /** What is stored with the agent, or not at all. */
  preconditions: Precondition[];
  writes: Write[];
  /** The names of servers that are new, or defined in another way from then on. */
  changed: string[];
}

/** Keeps the definitions of tool servers. */
export interface AgentServers {
  /**
   * What it takes to have the agent use `servers` instead of those of `before`.
   * Rejects with `ConflictError` where one is defined in another way, and with
   * `ValidationError` where nothing defines one.
   */
  attach(
    owner: Owner,
    agent_id: string,
    change: { servers: readonly McpServer[]; before: readonly McpServer[]; source: McpServerSource },
  ): Promise<Attached>;
  /** Gives those their secrets back that the agents' file defines and that lost them. Resolves with their names. */
  restore(owner: Owner, servers: readonly McpServer[]): Promise<string[]>;
  /** Told after such a change was stored. */
  refresh(): Promise<void>;
}
