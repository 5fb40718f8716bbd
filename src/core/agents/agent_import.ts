/**
 * Agents from files: what would change, and changing it.
 *
 * @module
 */
import type { Owner } from "../../domain/access.ts";
import { AgentConfig, AgentId } from "../../domain/agent.ts";
import { AppError } from "../../domain/error.ts";
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
      const changes = differences(old, config);
      const action = !old ? "create" : changes.length > 0 ? "update" : "unchanged";
      results.push({ id, action, changes });
      if (!dry_run && action !== "unchanged") await this.#agents.put(owner, id, config, row?.source_hash ?? null);
    }
    return results;
  }

  /** Brings in the agents of the settings' file: those whose entry changed since it was last read. */
  async seed(owner: Owner, text: string, format: "yaml" | "json"): Promise<string[]> {
    const changed: string[] = [];
    for (const { id, config } of await this.#parse(text, format)) {
      const hash = await hashOf(config);
      const row = await this.#agents.find(owner.tenant_id, id);
      if (row?.source_hash === hash) continue;
      await this.#agents.put(owner, id, config, hash);
      changed.push(id);
    }
    return changed;
  }

  async #parse(text: string, format: "yaml" | "json"): Promise<{ id: string; config: AgentConfig }[]> {
    const entries = await this.#files.parse(text, format);
    return entries.map(({ id, config }) => {
      const parsedId = AgentId.safeParse(id);
      if (!parsedId.success) {
        throw new AppError(
          "ValidationError",
          `Cannot import agent "${id}": its id must match ^[a-z0-9][a-z0-9_-]{0,63}$`,
        );
      }
      const parsed = AgentConfig.safeParse(config);
      if (parsed.success) return { id, config: parsed.data };
      const [issue] = parsed.error.issues;
      const field = issue?.path.join(".") ?? "";
      throw new AppError("ValidationError", `Cannot import agent "${id}": ${field}: ${issue?.message}`, {
        details: { agent: id, issues: parsed.error.issues.map(({ path, message }) => ({ path, message })) },
      });
    });
  }
}
