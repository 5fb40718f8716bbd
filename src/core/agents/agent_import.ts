/**
 * Agents from files: what would change, and changing it.
 *
 * @module
 */
import type { Owner } from "../../domain/access.ts";
import { AgentConfig, AgentId } from "../../domain/agent.ts";
import { AppError } from "../../domain/error.ts";
import { differingFields, isReference } from "../../domain/mcp_definition.ts";
import type { McpServer } from "../../domain/mcp_server.ts";
import { maskDeep } from "../../kit/log.ts";
import type { AgentFiles } from "../../ports/agent_files.ts";
import type { Agents } from "./agents.ts";

/** What an import does to one agent. */
export interface ImportedAgent {
  id: string;
  action: "create" | "update" | "unchanged";
  /** The fields that differ, with both values; credentials masked. */
  changes: { field: string; from: unknown; to: unknown }[];
}

const MASKED = "[masked]";

async function hashOf(config: AgentConfig): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(config));
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

function shown(field: string, value: unknown): unknown {
  const plain = maskDeep(value);
  if (field !== "model" || typeof plain !== "object" || plain === null || !("api_key" in plain)) return plain;
  return { ...plain, api_key: MASKED };
}

function differences(from: AgentConfig | undefined, to: AgentConfig): ImportedAgent["changes"] {
  return (Object.keys(to) as (keyof AgentConfig)[])
    .filter((field) => JSON.stringify(from?.[field]) !== JSON.stringify(to[field]))
    .map((field) => ({ field, from: shown(field, from?.[field] ?? null), to: shown(field, to[field]) }));
}

/** Imports agents. */
export class AgentImport {
  #agents: Agents;
  #files: AgentFiles;

  constructor({ agents, files }: { agents: Agents; files: AgentFiles }) {
    this.#agents = agents;
    this.#files = files;
  }

  /** Imports every agent of `text`, or says what that would do. Nothing is changed when one is wrong. */
  async import(
    owner: Owner,
    { text, format, dry_run }: { text: string; format: "yaml" | "json"; dry_run: boolean },
  ): Promise<ImportedAgent[]> {
    const results: ImportedAgent[] = [];
    const configs = await this.#parse(text, format);
    for (const { id, config } of configs) {
      const row = await this.#agents.find(owner.tenant_id, id);
      const old = row && !row.deleted_at ? row.config : undefined;
      const preview = await this.#agents.preview(owner, id, { config, source: "api" });
      const changes = differences(old, preview.config);
      const servers = changes.some(({ field }) => field === "mcp_servers") ? [] : preview.servers;
      if (servers.length > 0) changes.push({ field: "mcp_servers", from: servers, to: { redefined: servers } });
      const action = !old ? "create" : changes.length > 0 ? "update" : "unchanged";
      results.push({ id, action, changes });
      if (dry_run || action === "unchanged") continue;
      await this.#agents.put(owner, id, { config, source_hash: row?.source_hash ?? null, source: "api" });
    }
    return results;
  }

  /**
   * Brings in the agents of the settings' file: those whose entry changed since it was last read. Of the others only
   * what their tool servers have lost.
   */
  async seed(owner: Owner, text: string, format: "yaml" | "json"): Promise<string[]> {
    const changed: string[] = [];
    const agents = await this.#parse(text, format);
    await this.#agents.restoreServers(owner, agents.map(({ config }) => config));
    for (const { id, config } of agents) {
      const hash = await hashOf(config);
      const row = await this.#agents.find(owner.tenant_id, id);
      if (row?.source_hash === hash) continue;
      await this.#agents.put(owner, id, { config, source_hash: hash, source: "agents_file" });
      changed.push(id);
    }
    return changed;
  }

  #parse(text: string, format: "yaml" | "json"): Promise<{ id: string; config: AgentConfig }[]> {
    return readAgentFile(this.#files, { text, format });
  }
}

/** The agents of a file. Throws `ValidationError` for the first that is wrong. */
export async function readAgentFile(
  files: AgentFiles,
  { text, format }: { text: string; format: "yaml" | "json" },
): Promise<{ id: string; config: AgentConfig }[]> {
  const entries = await files.parse(text, format);
  return shareServers(entries.map(({ id, config }) => {
    const parsedId = AgentId.safeParse(id);
    if (!parsedId.success) {
      const wanted = "want small letters, digits, _ and -, at most 64, a letter or digit first";
      throw new AppError("ValidationError", `Cannot import agent "${id}": its id can't be used: ${wanted}`);
    }
    const parsed = AgentConfig.safeParse(config);
    if (parsed.success) return { id, config: parsed.data };
    const [issue] = parsed.error.issues;
    const field = issue?.path.join(".") ?? "";
    throw new AppError("ValidationError", `Cannot import agent "${id}": ${field}: ${issue?.message}`, {
      details: { agent: id, issues: parsed.error.issues.map(({ path, message }) => ({ path, message })) },
    });
  }));
}

/** What one agent of a file defines, the others may name. Throws where two of them define it differently. */
function shareServers(agents: { id: string; config: AgentConfig }[]): { id: string; config: AgentConfig }[] {
  const defined = new Map<string, { by: string; server: McpServer }>();
  for (const { id, config } of agents) {
    for (const server of config.mcp_servers.filter((server) => !isReference(server))) {
      const known = defined.get(server.name);
      const fields = known === undefined ? [] : differingFields(known.server, server);
      if (fields.length > 0) {
        const what = `Cannot import agents "${known?.by}" and "${id}": their tool servers "${server.name}"`;
        throw new AppError("ValidationError", `${what} differ in ${fields.join(", ")}`);
      }
      defined.set(server.name, { by: id, server });
    }
  }
  const whole = (server: McpServer) => {
    const known = defined.get(server.name)?.server;
    return known !== undefined && isReference(server) && differingFields(known, server).length === 0 ? known : server;
  };
  return agents.map(({ id, config }) => ({ id, config: { ...config, mcp_servers: config.mcp_servers.map(whole) } }));
}
