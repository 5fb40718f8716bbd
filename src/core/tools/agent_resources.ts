/**
 * What tool servers let read, for agents: one tool lists it, one reads it.
 *
 * @module
 */
import type { AgentConfig } from "../../domain/agent.ts";
import type { Verdict } from "../../domain/policy.ts";
import type { Resource } from "../../domain/resource.ts";
import { type Tool, type ToolContent, type ToolResult, toolText } from "../../domain/tool.ts";
import { toScores } from "../../kit/rank.ts";
import { toTerms, toWords } from "../../kit/words.ts";
import type { Upstream } from "../mcp_servers/upstream.ts";
import { judgeOffered, whyDenied } from "./policy.ts";
import { nameOf, type Reader, type Reading } from "./reading_rules.ts";
import { forbidden } from "./refusals.ts";
import { boundedResult, withoutSecrets } from "./result.ts";
import type { ServerReads } from "./server_reads.ts";

/** Lists what can be read. */
export const RESOURCE_LIST = "resource_list";
/** Reads one. */
export const RESOURCE_READ = "resource_read";

const READING: Reading = "resources/read";
const MOST = 100;
const USUAL = 30;

const base = { read_only: true, destructive: false, idempotent: true, server: null };

const RESOURCE_TOOLS: readonly Tool[] = [{
  ...base,
  name: RESOURCE_LIST,
  description: "Lists what servers let you read, such as files and records. An address with {…} is a template: " +
    "put values in the place of the braces before you read it",
  parameters: {
    type: "object",
    properties: {
      query: { type: "string", description: "What it is about, in a few words; without it: everything" },
      server: { type: "string", description: "Only of this server" },
      limit: { type: "integer", minimum: 1, maximum: MOST, default: USUAL },
      offset: { type: "integer", minimum: 0, default: 0, description: "How many to leave out" },
    },
    additionalProperties: false,
  },
  open_world: false,
}, {
  ...base,
  name: RESOURCE_READ,
  description: "Reads something that resource_list lists, or that the answer of a tool links to",
  parameters: {
    type: "object",
    properties: {
      server: { type: "string", description: "Whose it is; of a tool server__tool that is server" },
      uri: { type: "string", description: "Its address at that server" },
    },
    required: ["server", "uri"],
    additionalProperties: false,
  },
  open_world: true,
}];

/** What is to be done with one of the tools. Its arguments fit the schema. */
export interface ResourceCall {
  tool: string;
  arguments: Record<string, unknown>;
}

/** See the module. */
export class AgentResources {
  readonly #reads: ServerReads;

  constructor({ reads }: { reads: ServerReads }) {
    this.#reads = reads;
  }

  /** The tools, where `agent` wants them and one of its servers has something to read. */
  async offered(tenant_id: string, agent: AgentConfig): Promise<readonly Tool[]> {
    if (!agent.resources) return [];
    const servers = await this.#serversFor(tenant_id, agent);
    return servers.some(({ offers }) => offers.resources.length > 0) ? RESOURCE_TOOLS : [];
  }

  /** The tool `name`, where it is one of these and `agent` wants them. */
  find(agent: AgentConfig | undefined, name: string): Tool | undefined {
    return agent?.resources ? RESOURCE_TOOLS.find((tool) => tool.name === name) : undefined;
  }

  /** Whether a person has to be asked before a call. Throws where it may not be made at all. */
  check(
    tenant_id: string,
    agent: AgentConfig,
    { tool, arguments: args }: ResourceCall,
  ): { verdict: Exclude<Verdict, "deny">; reason?: string | undefined } {
    if (tool === RESOURCE_LIST) return { verdict: "allow" };
    const { server, uri } = args as { server: string; uri: string };
    const names = [tool, nameOf(server, READING)];
    const judged = judgeOffered(agent, names);
    if (judged === "deny") {
      const banned = names.find((name) => judgeOffered(agent, [name]) === "deny")!;
      throw forbidden(tool, whyDenied(agent, banned));
    }
    if (!agent.mcp_servers.some(({ name }) => name === server)) {
      throw forbidden(tool, `the agent's policy does not allow it: add { name: ${server} } to mcp_servers`);
    }
    const reader = readerOf(tenant_id, {});
    const { ruling } = this.#reads.rules.admit(reader, { server, reading: READING, arguments: { uri } });
    return ruling.decision === "ask" ? { verdict: "ask", reason: ruling.reason } : { verdict: judged };
  }

  /** Makes a call that was checked. */
  async call(
    tenant_id: string,
    { tool, arguments: args }: ResourceCall,
    { agent, caller, user_id, signal }: {
      agent: AgentConfig;
      caller: string;
      user_id: string | null;
      signal: AbortSignal;
    },
  ): Promise<ToolResult> {
    if (tool === RESOURCE_LIST) return await this.#list(tenant_id, agent, args);
    const { server, uri } = args as { server: string; uri: string };
    return await this.#reads.readFor(readerOf(tenant_id, { caller, ...user_id !== null && { user_id } }), {
      server,
      reading: READING,
      arguments: { uri },
      signal,
      work: async (upstream, options) => ({ content: readable(await upstream.read(uri, options)), is_error: false }),
    });
  }

  /** The agent's servers at which it may read. */
  async #serversFor(tenant_id: string, agent: AgentConfig): Promise<Upstream[]> {
    const servers = await this.#reads.rules.serversFor(readerOf(tenant_id, {}), READING);
    return servers.filter(({ definition: { name } }) =>
      agent.mcp_servers.some((one) => one.name === name) &&
      judgeOffered(agent, [RESOURCE_READ, nameOf(name, READING)]) !== "deny"
    );
  }

  async #list(tenant_id: string, agent: AgentConfig, args: Record<string, unknown>): Promise<ToolResult> {
    const { query, server, limit = USUAL, offset = 0 } = args as {
      query?: string;
      server?: string;
      limit?: number;
      offset?: number;
    };
    const servers = await this.#serversFor(tenant_id, agent);
    const all = servers.filter(({ definition: { name } }) => server === undefined || name === server)
      .flatMap(({ definition: { name }, offers, secrets }) => {
        return offers.resources.map((one): Resource => ({ server: name, ...withoutSecrets(one, secrets) }));
      });
    const found = query === undefined ? all : findResources(query, all);
    if (found.length === 0) {
      const names = servers.map(({ definition: { name } }) => name).join(", ");
      return toolText(`None of ${all.length} fits. Servers that can be read: ${names || "none"}`);
    }
    const resources = found.slice(offset, offset + limit);
    return boundedResult(
      { content: [], structured_content: { resources, of: found.length }, is_error: false },
      undefined,
    );
  }
}

/** An agent reads what its model asks for; where a person had to consent, one did. */
function readerOf(tenant_id: string, { caller = "", user_id }: { caller?: string; user_id?: string }): Reader {
  return { tenant_id, caller, user_id, consents: true };
}

/** The best of `resources` for `query`, best first. */
function findResources(query: string, resources: readonly Resource[]): Resource[] {
  const terms = toTerms(query);
  // A query of nothing but common words still means something.
  const wanted = [...new Set(terms.length > 0 ? terms : toWords(query))];
  const scores = toScores(
    wanted,
    resources.map(({ uri, name, title = "", description = "" }) => {
      return [...toTerms(`${name} ${title}`), ...toTerms(`${name} ${title}`), ...toTerms(`${uri} ${description}`)];
    }),
  );
  return resources.map((resource, i) => ({ resource, score: scores[i]!.score }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
    .map(({ resource }) => resource);
}

/** Contents as a model reads them: texts as texts, under their addresses where there are several. */
function readable(contents: readonly ToolContent[]): ToolContent[] {
  return contents.map((part) => {
    if (part.type !== "resource" || part.text === undefined) return part;
    return { type: "text", text: contents.length === 1 ? part.text : `${part.uri}\n${part.text}` };
  });
}
