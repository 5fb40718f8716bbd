/**
 * Tools of the servers behind this one.
 *
 * @module
 */
import type { CallToolResult, JSONObject, Tool as OfferedTool } from "@modelcontextprotocol/server";
import { AppError } from "../../../domain/error.ts";
import type { Principal } from "../../../domain/access.ts";
import type { Tool, ToolResult } from "../../../domain/tool.ts";
import type { Gateway } from "../../../operations/gateway.ts";
import type { Visit } from "../../../operations/operation.ts";
import { toolCall, toolList } from "../../../operations/tools.ts";
import type { Ask } from "../catalog.ts";
import { toContent } from "./content.ts";
import { missingScope } from "./scopes.ts";
import { serverOf } from "./upstream_offers.ts";

/** The most pages of a list. */
const MAX_PAGES = 50;

/** The most tenants whose schemas are remembered; the one that wasn't told for longest makes room. */
const MAX_TENANTS = 1000;

type Schemas = ReadonlyMap<string, Record<string, unknown>>;

/** See the module. */
export class UpstreamTools {
  #gateway: Gateway;
  /** Input schemas that want headers, by tenant, as its clients were last told: they repeat only what they know. */
  readonly #mirrored = new Map<string, Schemas>();

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
  }

  /** The scope that a caller lacks. */
  missingScope(principal: Principal): string | undefined {
    return missingScope(toolCall, principal);
  }

  /** All of them, for who may call them. */
  async list(visit: Visit): Promise<OfferedTool[]> {
    if (this.missingScope(visit.principal) !== undefined) return [];
    const tools: Tool[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < MAX_PAGES; page++) {
      const input = { limit: 100, ...cursor !== undefined && { cursor } };
      const { data, next_cursor } = await this.#gateway.call(toolList, () => input, visit);
      tools.push(...data);
      if (next_cursor === null) break;
      cursor = next_cursor;
    }
    this.#remember(visit.principal, tools);
    return tools.map(toOffered);
  }

  /** See `Catalog.mirrored`. */
  mirrored(name: string, { tenant_id }: Principal): Record<string, unknown> | undefined {
    return this.#mirrored.get(tenant_id)?.get(name);
  }

  /** Calls one. */
  async call(tool_name: string, args: Record<string, unknown>, ask: Ask): Promise<CallToolResult> {
    const { content, structured_content: data, is_error } = await this.#call({ tool_name, arguments: args }, ask);
    return {
      content: content.map((part) => toContent(serverOf(tool_name), part)),
      ...data !== undefined && { structuredContent: data as Record<string, unknown> },
      ...is_error && { isError: true },
    };
  }

  #remember({ tenant_id }: Principal, tools: readonly Tool[]): void {
    const mirrored = tools.filter(({ parameters }) => JSON.stringify(parameters).includes('"x-mcp-header"'));
    // A map keeps its order: what is put in again is the newest.
    this.#mirrored.delete(tenant_id);
    if (mirrored.length === 0) return;
    this.#mirrored.set(tenant_id, new Map(mirrored.map(({ name, parameters }) => [name, parameters])));
    if (this.#mirrored.size > MAX_TENANTS) this.#mirrored.delete(this.#mirrored.keys().next().value!);
  }

  async #call(input: { tool_name: string; arguments: Record<string, unknown> }, ask: Ask): Promise<ToolResult> {
    const { visit, onProgress } = ask;
    if (!onProgress) return (await this.#gateway.call(toolCall, () => input, visit)).result;
    for await (const { type, data } of await this.#gateway.stream(toolCall, () => input, visit) ?? []) {
      const told = JSON.parse(data);
      if (type === "tool.call.result") return told.result;
      const { tool_call_id: _, ...progress } = told;
      onProgress(progress);
    }
    throw new AppError("CancelledError", "The call was cancelled");
  }
}

function toOffered(tool: Tool): OfferedTool {
  const { name, title, description, parameters, output_schema } = tool;
  return {
    name,
    ...title !== undefined && { title },
    description,
    inputSchema: { ...parameters as JSONObject, type: "object" },
    ...output_schema && { outputSchema: output_schema as JSONObject },
    annotations: {
      readOnlyHint: tool.read_only,
      destructiveHint: tool.destructive,
      idempotentHint: tool.idempotent,
      openWorldHint: tool.open_world,
    },
  };
}
