/**
 * What a server offers: its lists, as last read.
 *
 * @module
 */
import type { McpServer } from "../../domain/mcp_server.ts";
import { type Tool, toToolName } from "../../domain/tool.ts";
import { matches, matchesLoosely } from "../../kit/wildcard.ts";
import type { McpConnection, OfferedPrompt, OfferedResource, OfferedTool } from "../../ports/mcp_client.ts";

/** The lists of a server. */
export const OFFER_KINDS = ["tools", "resources", "prompts"] as const;
/** One of {@linkcode OFFER_KINDS}. */
export type OfferKind = typeof OFFER_KINDS[number];

/** What its definition says of the tools of a server. */
export type OffersOf = Pick<McpServer, "name" | "enabled_tools" | "disabled_tools">;

/** The lists of one server. They are kept while it is down: a call wakes it. */
export class Offers {
  readonly #server: string;
  /** Whether its definition lets others know of a tool. */
  readonly #isOffered: (tool: string) => boolean;
  #tools: readonly Tool[] = [];
  #offered = new Map<string, OfferedTool>();
  #texts: Partial<Record<OfferKind, string>> = {};
  resources: readonly OfferedResource[] = [];
  prompts: readonly OfferedPrompt[] = [];

  constructor({ name, enabled_tools, disabled_tools = [] }: OffersOf) {
    this.#server = name;
    this.#isOffered = (tool) => {
      const enabled = enabled_tools?.some((pattern) => matches(pattern, tool)) ?? true;
      return enabled && !disabled_tools.some((pattern) => matchesLoosely(pattern, tool));
    };
  }

  /** Its tools, by the names they have among all servers. */
  get tools(): readonly Tool[] {
    return this.#tools;
  }

  /** Whether its tools were read at least once. */
  get listed(): boolean {
    return this.#texts.tools !== undefined;
  }

  /** What the server calls the tool `name`. */
  offered(name: string): OfferedTool | undefined {
    return this.#offered.get(name);
  }

  /** Reads a list anew. True when it is another than before. */
  async read(kind: OfferKind, connection: McpConnection, signal: AbortSignal): Promise<boolean> {
    const offered = connection.offers[kind];
    if (kind === "tools") return this.#takeTools(offered ? await connection.listTools(signal) : []);
    if (kind === "resources") {
      this.resources = offered ? await connection.listResources(signal) : [];
      return this.#differs(kind, this.resources);
    }
    this.prompts = offered ? await connection.listPrompts(signal) : [];
    return this.#differs(kind, this.prompts);
  }

  #takeTools(tools: readonly OfferedTool[]): boolean {
    if (!this.#differs("tools", tools)) return false;
    const offered = new Map<string, OfferedTool>();
    for (const tool of tools.filter(({ name }) => this.#isOffered(name))) {
      const name = toToolName(this.#server, tool.name);
      // The first of two that are called the same is the one that is called.
      if (!offered.has(name)) offered.set(name, tool);
    }
    this.#offered = offered;
    this.#tools = Array.from(offered, ([name, tool]) => toTool(this.#server, name, tool));
    return true;
  }

  #differs(kind: OfferKind, list: readonly unknown[]): boolean {
    const text = JSON.stringify(list);
    const before = this.#texts[kind] ?? "[]";
    this.#texts[kind] = text;
    return text !== before;
  }
}

function toTool(server: string, name: string, offered: OfferedTool): Tool {
  const { title, description, input_schema, output_schema, read_only, destructive, idempotent, open_world } = offered;
  return {
    name,
    own_name: offered.name,
    ...title !== undefined && { title },
    description,
    parameters: input_schema,
    ...output_schema !== undefined && { output_schema },
    read_only,
    destructive,
    idempotent,
    open_world,
    server,
  };
}
