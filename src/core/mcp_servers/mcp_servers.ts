/**
 * What is done with the tool servers of agents.
 *
 * @module
 */
import { ownerOf, type Principal } from "../../domain/access.ts";
import { AgentConfig } from "../../domain/agent.ts";
import { AppError } from "../../domain/error.ts";
import type { McpServerChange } from "../../domain/mcp_change.ts";
import { isReference, toReference } from "../../domain/mcp_definition.ts";
import type { McpServer, McpServerView } from "../../domain/mcp_server.ts";
import { toToolName } from "../../domain/tool.ts";
import type { Clock } from "../../kit/clock.ts";
import type { Agents } from "../agents/agents.ts";
import { settled } from "./connecting.ts";
import type { Definitions } from "./definitions.ts";
import type { McpHub } from "./hub.ts";
import type { Upstream } from "./upstream.ts";
import { toView } from "./view.ts";

/** What {@linkcode McpServers} needs. */
export interface McpServersDeps {
  agents: Agents;
  definitions: Definitions;
  hub: McpHub;
  clock: Clock;
}

/** Adds, shows, restarts and removes the tool servers of agents. */
export class McpServers {
  readonly #deps: McpServersDeps;

  constructor(deps: McpServersDeps) {
    this.#deps = deps;
  }

  /** The servers of an agent, by name. */
  async list({ tenant_id }: Principal, agent_id: string): Promise<McpServerView[]> {
    const { config } = await this.#deps.agents.get(tenant_id, agent_id);
    const sorted = config.mcp_servers.toSorted((a, b) => a.name < b.name ? -1 : 1);
    return await this.#views(tenant_id, sorted);
  }

  /** One of them. Rejects with `NotFoundError`. */
  async get({ tenant_id }: Principal, agent_id: string, name: string): Promise<McpServerView> {
    const [view] = await this.#views(tenant_id, [await this.find(tenant_id, agent_id, name)]);
    return view!;
  }

  /**
   * Lets an agent use `server`, and of its tools those that `allow` names: beside those it may call already where
   * `server` is a name alone, instead of them where it is a definition.
   */
  async add(
    principal: Principal,
    agent_id: string,
    { server, allow }: { server: McpServer; allow: readonly string[] },
  ): Promise<McpServerView> {
    const { agents } = this.#deps;
    const { name } = server;
    const allowed = allow.map((tool) => tool.includes("*") ? `${name}__${tool}` : toToolName(name, tool));
    await agents.update(principal, agent_id, (config) => {
      const others = config.mcp_servers.filter((one) => one.name !== name);
      const isReplaced = others.length < config.mcp_servers.length && !isReference(server);
      const present = isReplaced ? withoutTools(config.allowed_tools, name) : config.allowed_tools;
      return toConfig(agent_id, {
        ...config,
        mcp_servers: [...others, server],
        allowed_tools: [...new Set([...present, ...allowed])],
      });
    });
    return await this.get(principal, agent_id, name);
  }

  /** Has a server of an agent be another, for all who use it, and connects anew. */
  async update(principal: Principal, agent_id: string, name: string, change: McpServerChange): Promise<McpServerView> {
    await this.find(principal.tenant_id, agent_id, name);
    await this.#deps.definitions.change(ownerOf(principal), name, change);
    return await this.get(principal, agent_id, name);
  }

  /** Takes a server from an agent. It ends when no other uses it and the settings don't define it. */
  async remove(principal: Principal, agent_id: string, name: string): Promise<void> {
    await this.find(principal.tenant_id, agent_id, name);
    await this.#deps.agents.update(principal, agent_id, (config) => ({
      ...config,
      mcp_servers: config.mcp_servers.filter((one) => one.name !== name),
      allowed_tools: withoutTools(config.allowed_tools, name),
    }));
  }

  /** Ends a server and starts it again, whatever happened before. */
  async restart(principal: Principal, agent_id: string, name: string): Promise<McpServerView> {
    const upstream = await this.upstream(principal, agent_id, name);
    await settled(upstream.restart(), this.#deps.clock);
    return await this.get(principal, agent_id, name);
  }

  /** The running side of a server of an agent. Rejects with `NotFoundError`. */
  async upstream({ tenant_id }: Principal, agent_id: string, name: string): Promise<Upstream> {
    await this.find(tenant_id, agent_id, name);
    const upstream = this.#deps.hub.get(name);
    if (!upstream) throw new AppError("NotFoundError", `Cannot use tool server "${name}": nothing defines it any more`);
    return upstream;
  }

  /** What an agent says of a server. Rejects with `NotFoundError`. */
  async find(tenant_id: string, agent_id: string, name: string): Promise<McpServer> {
    const { config } = await this.#deps.agents.get(tenant_id, agent_id);
    const server = config.mcp_servers.find((one) => one.name === name);
    if (!server) throw new AppError("NotFoundError", `Cannot find tool server "${name}" of agent "${agent_id}"`);
    return toReference(server);
  }

  async #views(tenant_id: string, servers: readonly McpServer[]): Promise<McpServerView[]> {
    const { definitions, hub } = this.#deps;
    await Promise.all(servers.map(({ name }) => hub.tried(name)));
    const users = await definitions.users();
    return servers.map((server) => {
      const mine = (users.get(server.name) ?? []).filter((user) => user.tenant_id === tenant_id);
      return toView(server, hub.get(server.name), mine.map(({ id }) => id));
    });
  }
}

function withoutTools(patterns: readonly string[], server: string): string[] {
  return patterns.filter((pattern) => !pattern.startsWith(`${server}__`));
}

function toConfig(agent_id: string, config: AgentConfig): AgentConfig {
  const parsed = AgentConfig.safeParse(config);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const what = `${issue?.path.join(".")}: ${issue?.message}`;
  throw new AppError("ValidationError", `Cannot change agent "${agent_id}": ${what}`);
}
