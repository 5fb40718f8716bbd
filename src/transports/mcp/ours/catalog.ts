/**
 * What MUXI itself offers: operations, agents, the tools behind them, conversations and runs.
 *
 * @module
 */
import {
  type CompleteRequest,
  type CompleteResult,
  type GetPromptResult,
  type ListPromptsResult,
  type ListToolsResult,
  ProtocolError,
  ProtocolErrorCode,
} from "@modelcontextprotocol/server";
import type { Agent } from "../../../domain/agent.ts";
import { AppError } from "../../../domain/error.ts";
import type { Page } from "../../../domain/page.ts";
import type { Clock } from "../../../kit/clock.ts";
import { maskSecrets } from "../../../kit/log.ts";
import { agentList } from "../../../operations/agents.ts";
import type { Gateway } from "../../../operations/gateway.ts";
import type { Visit } from "../../../operations/operation.ts";
import {
  type Ask,
  type CallOutcome,
  type Catalog,
  type Change,
  TASKS_EXTENSION,
  type WatchOptions,
} from "../catalog.ts";
import { callAgent, isAgentTool, toAgentTool } from "./agent_tools.ts";
import { watchLists, watchResource } from "./changes.ts";
import { Completions } from "./completions.ts";
import { Decisions } from "./decisions.ts";
import { OperationTools } from "./operation_tools.ts";
import { orNone } from "./or_none.ts";
import { fillPrompt, findPrompt, toPrompts } from "./prompts.ts";
import { Resources } from "./resources.ts";
import { RunTasks } from "./run_tasks.ts";
import { RunTool } from "./run_tool.ts";
import { UpstreamOffers } from "./upstream_offers.ts";
import { UpstreamTools } from "./upstream_tools.ts";

/** Begins cursors of the prompts of other servers, which follow those of the agents. */
const OF_SERVERS = "servers|";

/** What {@linkcode OurCatalog} needs. */
export interface OurCatalogDeps {
  gateway: Gateway;
  clock: Clock;
  version: string;
}

/** See the module. */
export class OurCatalog implements Catalog {
  readonly info;
  readonly capabilities = {
    tools: { listChanged: true },
    resources: { subscribe: true, listChanged: true },
    prompts: { listChanged: true },
    completions: {},
    logging: {},
    extensions: { [TASKS_EXTENSION]: {} },
  };
  readonly instructions =
    "Agents are the tools that begin with agent__: give them a message, and the conversation_id " +
    "of their last answer to go on. Tools named server__tool are those of other servers.";
  readonly tasks: RunTasks;
  #gateway: Gateway;
  #operations: OperationTools;
  #upstream: UpstreamTools;
  #runTool: RunTool;
  #resources: Resources;
  #offers: UpstreamOffers;
  #completions: Completions;

  constructor({ gateway, clock, version }: OurCatalogDeps) {
    this.info = { name: "muxi", title: "MUXI", version };
    this.#gateway = gateway;
    const decisions = new Decisions(gateway);
    this.tasks = new RunTasks({ gateway, decisions });
    this.#runTool = new RunTool({ gateway, clock, decisions, tasks: this.tasks });
    this.#operations = new OperationTools({ gateway, runTool: this.#runTool });
    this.#upstream = new UpstreamTools({ gateway, clock });
    this.#offers = new UpstreamOffers(gateway);
    this.#resources = new Resources(gateway, this.#offers);
    this.#completions = new Completions({ gateway, resources: this.#resources, offers: this.#offers });
  }

  async listTools(cursor: string | undefined, { visit }: Ask): Promise<ListToolsResult> {
    const { data, next_cursor } = await this.#agents(cursor, visit);
    const agents = data.map(toAgentTool);
    const next = next_cursor === null ? {} : { nextCursor: next_cursor };
    if (cursor !== undefined) return { tools: agents, ...next };
    const upstream = await this.#upstream.list(visit);
    return { tools: [...this.#operations.list(visit.principal), ...agents, ...upstream], ...next };
  }

  async callTool(name: string, args: Record<string, unknown>, ask: Ask): Promise<CallOutcome> {
    const { principal } = ask.visit;
    try {
      if (this.#operations.has(name, principal)) return await this.#operations.call(name, args, ask);
      if (isAgentTool(name)) {
        return await callAgent({ gateway: this.#gateway, runTool: this.#runTool }, { name, args }, ask);
      }
      if (this.#isUpstream(name)) return await this.#upstream.call(name, args, ask);
    } catch (thrown) {
      if (thrown instanceof ProtocolError) throw thrown;
      const error = AppError.from(thrown);
      if (error.name === "CancelledError" || error.name === "InternalError") throw error;
      // A model can do something about it, unlike about an error of the protocol.
      return { content: [{ type: "text", text: maskSecrets(`${error.name}: ${error.message}`) }], isError: true };
    }
    throw new ProtocolError(
      ProtocolErrorCode.InvalidParams,
      `Cannot call the tool "${name.slice(0, 100)}": there is none`,
    );
  }

  mirrored(name: string, { principal }: Visit): Record<string, unknown> | undefined {
    return this.#upstream.mirrored(name, principal);
  }

  missingScope(name: string, { principal }: Visit): string | undefined {
    return this.#isUpstream(name) ? this.#upstream.missingScope(principal) : undefined;
  }

  listResources(cursor: string | undefined, { visit }: Ask) {
    return this.#resources.list(cursor, visit);
  }

  listResourceTemplates(_cursor: string | undefined, { visit }: Ask) {
    return this.#resources.templates(visit);
  }

  readResource(uri: string, { visit }: Ask) {
    return this.#resources.read(uri, visit);
  }

  async listPrompts(cursor: string | undefined, { visit }: Ask): Promise<ListPromptsResult> {
    if (cursor?.startsWith(OF_SERVERS)) {
      const { prompts, nextCursor } = await this.#offers.prompts(cursor.slice(OF_SERVERS.length) || undefined, visit);
      return { prompts, ...nextCursor !== undefined && { nextCursor: OF_SERVERS + nextCursor } };
    }
    const { data, next_cursor } = await this.#agents(cursor, visit);
    const prompts = data.flatMap(toPrompts);
    if (next_cursor !== null) return { prompts, nextCursor: next_cursor };
    const { prompts: others, nextCursor } = await this.#offers.prompts(undefined, visit);
    return { prompts: [...prompts, ...others], ...nextCursor !== undefined && { nextCursor: OF_SERVERS + nextCursor } };
  }

  async getPrompt(name: string, args: Record<string, string>, { visit }: Ask): Promise<GetPromptResult> {
    const prompt = await findPrompt(this.#gateway, name, visit);
    if (prompt) return fillPrompt(prompt, args);
    const filled = this.#isUpstream(name) ? await this.#offers.prompt(name, args, visit).catch(orNone) : undefined;
    if (filled) return filled;
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Cannot find the prompt "${name.slice(0, 200)}"`);
  }

  complete(params: CompleteRequest["params"], { visit }: Ask): Promise<CompleteResult> {
    return this.#completions.complete(params, visit);
  }

  async watch({ visit, uri }: WatchOptions): Promise<AsyncIterable<Change>> {
    return uri === undefined
      ? await watchLists(this.#gateway, visit)
      : await watchResource(this.#gateway, { visit, uri });
  }

  #agents(cursor: string | undefined, visit: Visit): Promise<Page<Agent>> {
    return this.#gateway.call(agentList, () => ({ limit: 100, ...cursor !== undefined && { cursor } }), visit);
  }

  /** Names of other servers' tools have two halves, and no agent's first one. */
  #isUpstream(name: string): boolean {
    return !this.#gateway.operations.has(name) && name.includes("__") && !isAgentTool(name);
  }
}
